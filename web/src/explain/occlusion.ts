/** What a similarity loses when a part of a picture is hidden: for any network, at the cost of many runs. */

import { dot, type Embedding } from "../similarity.js";

/** Places along a side. */
export const GRID = 7;
// A hidden square is so many places wide: it must hide a thing, and not only a part of it.
const WIDE = 2;

/** A picture, uint8 (S, S, 3), with a square of its mean colour at each place in turn. */
export function* hiddenSquares(pixels: Uint8Array): Generator<Uint8Array> {
  const size = Math.sqrt(pixels.length / 3);
  const colour = [0, 1, 2].map((channel) => Math.floor(meanOf(pixels, channel)));
  for (let place = 0; place < GRID * GRID; place++) {
    const hidden = pixels.slice();
    const [rows, columns] = [Math.floor(place / GRID), place % GRID].map((index) => {
      const start = ((index + 0.5 - WIDE / 2) * size) / GRID;
      return [Math.max(0, evenlyRounded(start)), Math.min(size, evenlyRounded(start + (WIDE * size) / GRID))] as const;
    }) as [readonly [number, number], readonly [number, number]];
    for (let y = rows[0]; y < rows[1]; y++) {
      for (let x = columns[0]; x < columns[1]; x++) hidden.set(colour, 3 * (y * size + x));
    }
    yield hidden;
  }
}

/** How much of the similarity to another picture is lost with each place: GRID × GRID, row by row. */
export function lossMap(hidden: readonly Embedding[], whole: Embedding, other: Embedding): Float32Array {
  const similarity = dot(whole, other);
  return Float32Array.from(hidden, (row) => similarity - dot(row, other));
}

function meanOf(pixels: Uint8Array, channel: number): number {
  let sum = 0;
  for (let i = channel; i < pixels.length; i += 3) sum += pixels[i]!;
  return (3 * sum) / pixels.length;
}

/** Halves to the even neighbour, as Python rounds. */
function evenlyRounded(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
