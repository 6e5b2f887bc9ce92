/** An explanation as pictures: each pair with its maps, and lines between the places that correspond. */

import { type Correspondence, type ExplainedPair, type Explanation, upsampled, type Verdict } from "../src/index.js";
import { element } from "./dom.js";
import type { Given } from "./slots.js";
import { ORDINALS } from "./verdict.js";

// As Python's samekind.explain.drawing: warm raises the similarity and cool lowers it.
const RAISES = [230, 97, 1] as const;
const LOWERS = [40, 90, 190] as const;
const LINES = ["#009e73", "#cc3d8c", "#563cb4", "#966e00", "#0082c8"];
const STRONGEST = 0.78;
const SIDE = 360;
const GAP = 120;
const DOT = 7;

/** The figures of an explanation, for `#why`. */
export async function whyParts(
  explanation: Explanation,
  given: readonly Given[],
  verdict: Verdict,
): Promise<HTMLElement[]> {
  const threshold = "pairs" in verdict ? (verdict as { pairs: Verdict[] }).pairs[0]!.threshold : verdict.threshold;
  const figures: HTMLElement[] = [];
  for (const pair of explanation.pairs) {
    const canvas = await drawn(pair, given, threshold);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", inWords(pair));
    const [i, j] = pair.pictures;
    figures.push(
      element("figure", {}, canvas, element("figcaption", {}, `The ${ORDINALS[i]} and the ${ORDINALS[j]} picture`)),
    );
  }
  const how =
    explanation.method === "contributions"
      ? "Each map adds up to the similarity. Lines join the places that contribute the most together."
      : "By occlusion: what the similarity loses when a place is hidden.";
  const legend = `Orange makes the two more alike, blue makes them less alike. ${how}`;
  return [...figures, element("p", { class: "small" }, legend)];
}

async function drawn(pair: ExplainedPair, given: readonly Given[], threshold: number): Promise<HTMLCanvasElement> {
  const pictures = await Promise.all(
    pair.pictures.map((number, place) => overlaid(given[number]!.file, pair.maps[place]!, pair.side, threshold)),
  );
  const canvas = element("canvas");
  canvas.width = 2 * SIDE + GAP;
  canvas.height = Math.max(...pictures.map((picture) => picture.height));
  const context = canvas.getContext("2d")!;
  const lefts = pictures.map((picture, place) => place * (SIDE + GAP) + (SIDE - picture.width) / 2);
  pictures.forEach((picture, place) => context.drawImage(picture, lefts[place]!, 0));
  pair.correspondences.forEach((line, n) => {
    const ends = [line.first, line.second].map(([x, y], place) => {
      const picture = pictures[place]!;
      return [lefts[place]! + x * picture.width, y * picture.height] as const;
    });
    const strength = line.contribution / pair.correspondences[0]!.contribution;
    join(context, ends, LINES[n % LINES.length]!, 2 + Math.round(4 * strength));
  });
  return canvas;
}

/** A picture in grey with a map laid over it, in its own proportions. */
async function overlaid(file: File, map: Float32Array, side: number, threshold: number): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(file);
  const ratio = SIDE / Math.max(bitmap.width, bitmap.height);
  const canvas = element("canvas");
  canvas.width = Math.max(1, Math.round(ratio * bitmap.width));
  canvas.height = Math.max(1, Math.round(ratio * bitmap.height));
  const context = canvas.getContext("2d", { alpha: false })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  colour(pixels.data, upsampled(map, side, canvas.width, canvas.height), fullAt(map, threshold));
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** What a place adds where its colour is full; two pictures with nothing in common must not be as colourful as others. */
function fullAt(map: Float32Array, threshold: number): number {
  return Math.max(...map.map(Math.abs), (3 * Math.abs(threshold)) / map.length, 1e-6);
}

function colour(rgba: Uint8ClampedArray, map: Float32Array, full: number): void {
  map.forEach((value, place) => {
    const at = 4 * place;
    const grey = 0.299 * rgba[at]! + 0.587 * rgba[at + 1]! + 0.114 * rgba[at + 2]!;
    const cover = STRONGEST * Math.min(1, Math.abs(value) / full);
    const over = value > 0 ? RAISES : LOWERS;
    for (let channel = 0; channel < 3; channel++) {
      const base = 0.6 * grey + 0.25 * rgba[at + channel]! + 0.15 * 255;
      rgba[at + channel] = (1 - cover) * base + cover * over[channel]!;
    }
  });
}

function join(
  context: CanvasRenderingContext2D,
  ends: readonly (readonly [number, number])[],
  colour: string,
  thick: number,
): void {
  for (const [style, width] of [
    ["white", thick + 3],
    [colour, thick],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    ends.forEach(([x, y]) => context.lineTo(x, y));
    context.stroke();
  }
  for (const [x, y] of ends) {
    context.fillStyle = colour;
    context.strokeStyle = "white";
    context.lineWidth = 3;
    context.beginPath();
    context.arc(x, y, DOT, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/** What the lines of a pair join, for whoever does not see them. */
function inWords(pair: ExplainedPair): string {
  const [i, j] = pair.pictures.map((number) => ORDINALS[number]);
  if (!pair.correspondences.length)
    return `Maps of what makes the ${i} and the ${j} picture alike, without clear matches.`;
  const lines = pair.correspondences.map(
    ({ first, second }: Correspondence) => `${region(first)} of the ${i} with ${region(second)} of the ${j}`,
  );
  return `The places that match most: ${lines.join("; ")}.`;
}

function region([x, y]: readonly [number, number]): string {
  const row = ["upper", "middle", "lower"][Math.min(2, Math.floor(3 * y))]!;
  const column = ["left", "centre", "right"][Math.min(2, Math.floor(3 * x))]!;
  return row === "middle" && column === "centre" ? "the centre" : `the ${row} ${column}`;
}
