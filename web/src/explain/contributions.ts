/** The similarity of two pictures as a sum over pairs of places, and the places that correspond. */

import { dot } from "../similarity.js";
import type { PlacedEmbedding } from "./places.js";

const MOST_LINES = 5;
// A line that is fainter than this share of the strongest one says nothing.
const FAINTEST = 0.3;
// Nor does a line from a place that adds less than this share of what its picture's strongest place adds.
const LEAST = 0.25;
// In places of the feature map: nearer ends are the same spot.
const APART = 1.5;

/** Two places that correspond: x from the left and y from the top, as shares of the width and the height. */
export interface Correspondence {
  readonly first: readonly [number, number];
  readonly second: readonly [number, number];
  /** What the pair of places contributes to the similarity. */
  readonly contribution: number;
}

/** Where the similarity of two pictures comes from. */
export interface ExplainedPair {
  /** Which two of the pictures these are, by position. */
  readonly pictures: readonly [number, number];
  /** Each map is so many places wide and high. */
  readonly side: number;
  /** For each of the two what each place adds to the similarity, row by row. */
  readonly maps: readonly [Float32Array, Float32Array];
  /** The places that correspond, the strongest first; none by occlusion. */
  readonly correspondences: readonly Correspondence[];
}

/** Two pictures explained by what each pair of their places contributes; each map's sum is the similarity. */
export function byContributions(
  pictures: readonly [number, number],
  first: PlacedEmbedding,
  second: PlacedEmbedding,
): ExplainedPair {
  const pairs = first.parts.map((part) => Float32Array.from(second.parts, (other) => dot(part, other)));
  const maps: [Float32Array, Float32Array] = [
    Float32Array.from(pairs, (row) => row.reduce((sum, value) => sum + value, 0)),
    Float32Array.from(second.parts, (_, j) => pairs.reduce((sum, row) => sum + row[j]!, 0)),
  ];
  return { pictures, side: first.side, maps, correspondences: correspondences(pairs, maps, first.side) };
}

/** The pairs of places that contribute the most, each place in one of them. */
function correspondences(
  pairs: readonly Float32Array[],
  maps: readonly [Float32Array, Float32Array],
  side: number,
): Correspondence[] {
  const [ends, others] = maps.map((map) => {
    const least = Math.max(0, LEAST * Math.max(...map));
    return Array.from(map, (value) => value >= least);
  }) as [boolean[], boolean[]];
  const candidates = pairs.flatMap((row, i) =>
    Array.from(row, (value, j) => ({ i, j, value })).filter(({ j }) => ends[i] && others[j]),
  );
  const strongest = Math.max(0, ...candidates.map(({ value }) => value));
  const chosen: { i: number; j: number; value: number }[] = [];
  for (const found of candidates.sort((a, b) => b.value - a.value)) {
    if (chosen.length === MOST_LINES || found.value <= FAINTEST * strongest) break;
    const apart = ({ i, j }: { i: number; j: number }) =>
      distance(i, found.i, side) >= APART && distance(j, found.j, side) >= APART;
    if (chosen.every(apart)) chosen.push(found);
  }
  return chosen.map(({ i, j, value }) => ({ first: centre(i, side), second: centre(j, side), contribution: value }));
}

function distance(one: number, other: number, side: number): number {
  return Math.hypot(Math.floor(one / side) - Math.floor(other / side), (one % side) - (other % side));
}

function centre(place: number, side: number): [number, number] {
  return [((place % side) + 0.5) / side, (Math.floor(place / side) + 0.5) / side];
}
