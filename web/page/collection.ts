/** "Among your pictures": adapting to a collection of the visitor's. */

import type { Card } from "../src/index.js";
import { byId, element } from "./dom.js";
import type { Engine } from "./engine.js";

// More make the mean of a collection hardly any surer.
const MOST_PICTURES = 500;

export function offerCollection(engine: Engine, card: Card, adapted: (card: Card) => void): void {
  if (!card.domains) return;
  const [files, forget, status] = [
    byId<HTMLInputElement>("collection-files"),
    byId("forget"),
    byId("collection-status"),
  ];
  byId("collection").hidden = false;
  files.addEventListener("change", async () => {
    const given = spreadOut(Array.from(files.files ?? []));
    files.value = "";
    if (!given.length) return;
    const bar = element("progress", { max: String(given.length), value: "0", "aria-label": "Pictures looked at" });
    status.replaceChildren(element("p", {}, `Looking at ${given.length} pictures…`), bar);
    try {
      const found = await engine.ask("adapt", { files: given }, (done) => (bar.value = done));
      status.replaceChildren(...summary(found.card, found.unreadable));
      forget.hidden = false;
      adapted(found.card);
    } catch (error) {
      status.replaceChildren(element("p", { class: "different" }, (error as Error).message));
    }
  });
  forget.addEventListener("click", async () => {
    const found = await engine.ask("forget", null);
    forget.hidden = true;
    files.focus();
    status.replaceChildren(element("p", {}, "Judged without them again."));
    adapted(found.card);
  });
}

function summary(card: Card, unreadable: readonly string[]): HTMLElement[] {
  const about = card.adapted!;
  const alike = about.length > 0.6 ? "one broad kind" : about.length > 0.4 ? "related kinds" : "many kinds";
  const said =
    `Judged among ${about.pictures} of your pictures. They show ${alike}: ` +
    `${Math.round(100 * about.share)} % of what they have in common no longer counts.`;
  const missing = unreadable.length
    ? [element("p", { class: "doubt" }, `Left out, because this browser cannot read them: ${unreadable.join(", ")}.`)]
    : [];
  return [element("p", {}, said), ...missing];
}

/** At most so many, evenly spread over the list. */
function spreadOut(files: readonly File[]): File[] {
  if (files.length <= MOST_PICTURES) return [...files];
  const step = (files.length - 1) / (MOST_PICTURES - 1);
  return Array.from({ length: MOST_PICTURES }, (_, i) => files[Math.round(i * step)]!);
}
