/** The three places for pictures. */

import { element } from "./dom.js";
import type { Engine } from "./engine.js";

const NAMES = ["First picture", "Second picture", "Third picture (may stay empty)"];

/** A picture that can be judged. */
export interface Given {
  readonly id: number;
  readonly file: File;
}

interface Slot {
  readonly root: HTMLElement;
  readonly input: HTMLInputElement;
  readonly face: HTMLElement;
  readonly below: HTMLElement;
  readonly remove: HTMLButtonElement;
  given: Given | null;
  /** Counts what was given, so that a picture that took long does not replace a later one. */
  turn: number;
}

export class Slots {
  readonly #slots: Slot[];
  readonly #engine: Engine;
  readonly #changed: () => void;

  constructor(root: HTMLElement, engine: Engine, changed: () => void) {
    this.#engine = engine;
    this.#changed = changed;
    this.#slots = NAMES.map((name, place) => this.#slot(name, place));
    root.append(...this.#slots.map((slot) => slot.root));
    document.addEventListener("paste", (event) => this.#fill(event.clipboardData?.files));
    // A picture that is dropped beside a place must not replace the page.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#fill(event.dataTransfer?.files);
    });
  }

  /** The pictures in their places, empty ones left out. */
  get given(): Given[] {
    return this.#slots.flatMap((slot) => slot.given ?? []);
  }

  #slot(name: string, place: number): Slot {
    const input = element("input", { type: "file", accept: "image/*", class: "hidden" });
    input.multiple = true;
    const face = element("span", {}, name);
    const label = element("label", {}, input, face);
    const remove = element("button", { type: "button", "aria-label": `Remove: ${name}` }, "×");
    remove.hidden = true;
    const below = element("p", { "aria-live": "polite" });
    const root = element("div", { class: "slot" }, label, element("div", { class: "below" }, below, remove));
    input.addEventListener("change", () => {
      this.#spreadFrom(place, input.files);
      input.value = "";
    });
    remove.addEventListener("click", () => {
      this.#empty(place);
      input.focus();
      this.#changed();
    });
    for (const kind of ["dragover", "dragleave", "drop"]) {
      root.addEventListener(kind, () => root.classList.toggle("over", kind === "dragover"));
    }
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#spreadFrom(place, event.dataTransfer?.files);
    });
    return { root, input, face, below, remove, given: null, turn: 0 };
  }

  /** The places without a picture. */
  get #empties(): number[] {
    return this.#slots.map((_, place) => place).filter((place) => !this.#slots[place]!.root.classList.contains("full"));
  }

  /** Files that were given beside the places fill the empty ones; where there are none, they take the first. */
  #fill(files: FileList | null | undefined): void {
    const empties = this.#empties;
    this.#spread(files, empties.length ? empties : [0, 1, 2]);
  }

  #spread(files: FileList | null | undefined, places: readonly number[]): void {
    Array.from(files ?? [])
      .slice(0, places.length)
      .forEach((file, i) => void this.#put(places[i]!, file));
  }

  /** Files for one place; of several the others fill empty places. */
  #spreadFrom(place: number, files: FileList | null | undefined): void {
    this.#spread(files, [place, ...this.#empties.filter((other) => other !== place)]);
  }

  async #put(place: number, file: File): Promise<void> {
    const slot = this.#slots[place]!;
    this.#empty(place);
    const turn = ++slot.turn;
    const address = URL.createObjectURL(file);
    const shown = element("img", { src: address, alt: file.name });
    shown.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
    slot.face.replaceChildren(shown);
    slot.root.classList.add("full");
    slot.below.textContent = file.name;
    slot.remove.hidden = false;
    try {
      const { id } = await this.#engine.ask("add", { file, name: file.name });
      if (turn === slot.turn) slot.given = { id, file };
      else await this.#engine.ask("drop", { id });
    } catch (error) {
      if (turn !== slot.turn) return;
      this.#empty(place);
      slot.below.textContent = (error as Error).message;
      slot.below.classList.add("wrong");
    }
    this.#changed();
  }

  #empty(place: number): void {
    const slot = this.#slots[place]!;
    slot.turn++;
    if (slot.given) void this.#engine.ask("drop", { id: slot.given.id });
    slot.given = null;
    slot.face.replaceChildren(NAMES[place]!);
    slot.below.replaceChildren();
    slot.below.classList.remove("wrong");
    slot.root.classList.remove("full");
    slot.remove.hidden = true;
  }
}
