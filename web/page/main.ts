/** The page: pictures in, a verdict, why, and among which pictures. */

import type { Card, TrioVerdict, Verdict } from "../src/index.js";
import { offerCollection } from "./collection.js";
import { byId, element } from "./dom.js";
import { Engine, type Opened } from "./engine.js";
import { cacheName, readSite } from "./site.js";
import { Slots } from "./slots.js";
import { verdictParts } from "./verdict.js";
import { whyParts } from "./why.js";

const POINTS: Readonly<Record<string, string>> = {
  balanced: "Balanced",
  strict: "Strict: few false matches",
  very_strict: "Very strict",
};

const verdictBox = byId("verdict");
const point = byId<HTMLSelectElement>("point");
const whyButton = byId<HTMLButtonElement>("ask-why");
const whyBox = byId("why");
const engine = new Engine();
let card: Card | null = null;
let verdict: Verdict | TrioVerdict | null = null;
let turn = 0;
const slots = new Slots(byId("slots"), engine, () => void judge());

async function start(): Promise<void> {
  const base = new URL("./", location.href).href;
  const site = await readSite();
  const cache = cacheName(base, site.version);
  const opened = await engine.ask("open", { site, base, cache }, (done, all) => say(loading(done, all)));
  card = opened.card;
  byId("about").textContent = about(opened);
  offerPoints(card);
  offerCollection(engine, card, (adapted) => {
    card = adapted;
    void judge();
  });
  await judge();
  await keepForOffline(cache);
}

async function judge(): Promise<void> {
  const mine = ++turn;
  verdict = null;
  whyButton.hidden = true;
  whyBox.hidden = true;
  const { given } = slots;
  if (!card) return;
  if (given.length < 2) {
    say(given.length ? "One more picture, and they are judged." : "Ready. Give two or three pictures.");
    return;
  }
  say("Looking…");
  try {
    const found = await engine.ask("judge", {
      ids: given.map(({ id }) => id),
      operatingPoint: point.value || "balanced",
    });
    if (mine !== turn) return;
    verdict = found;
    verdictBox.replaceChildren(...verdictParts(card, found));
    whyButton.hidden = false;
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

async function explain(): Promise<void> {
  if (!verdict) return;
  const [mine, judged, { given }] = [turn, verdict, slots];
  whyButton.disabled = true;
  whyBox.hidden = false;
  whyBox.replaceChildren(element("p", { role: "status" }, "Looking for what they have in common…"));
  try {
    const explanation = await engine.ask("explain", { ids: given.map(({ id }) => id) });
    const parts = await whyParts(explanation, given, judged);
    if (mine === turn) whyBox.replaceChildren(...parts);
  } catch (error) {
    if (mine === turn) whyBox.replaceChildren(element("p", { class: "different" }, (error as Error).message));
  } finally {
    whyButton.disabled = false;
  }
}

function offerPoints(known: Card): void {
  const names = Object.keys(known.pair.operating_points).filter(
    (name) => !known.trio || name in known.trio.operating_points,
  );
  point.replaceChildren(...names.map((name) => element("option", { value: name }, POINTS[name] ?? name)));
  point.value = "balanced";
  byId("point-label").hidden = names.length < 2;
}

/** What keeps the page for when there is no network. */
async function keepForOffline(cache: string): Promise<void> {
  const line = byId("offline");
  if (!("serviceWorker" in navigator)) {
    line.textContent = "This address allows no offline use; one with https does.";
    return;
  }
  try {
    await navigator.serviceWorker.register(`service-worker.js?cache=${encodeURIComponent(cache)}`);
    await navigator.serviceWorker.ready;
    line.textContent = "Works without a network from now on.";
  } catch {
    line.textContent = "This browser keeps nothing for use without a network.";
  }
}

function loading(done: number, all: number): string {
  const [have, whole] = [done, all].map((bytes) => (bytes / 1e6).toFixed(1));
  return done < all ? `Loading the model: ${have} of ${whole} MB` : "Starting the model…";
}

function about({ card, backend, threads }: Opened): string {
  const on = threads > 1 ? `${backend}, ${threads} threads` : backend;
  const among = card.adapted ? ` Adapted to ${card.adapted.source}.` : "";
  return `Model ${card.name} (${card.fingerprint.slice(0, 12)}), computed by ${on}.${among} Licence: ${card.licence}`;
}

function say(words: string): void {
  if (verdictBox.textContent !== words) verdictBox.replaceChildren(element("p", {}, words));
}

function fail(error: unknown): void {
  verdictBox.replaceChildren(
    element("p", { class: "different" }, error instanceof Error ? error.message : String(error)),
  );
}

point.addEventListener("change", () => void judge());
whyButton.addEventListener("click", () => void explain());
start().catch(fail);
