/** What each place of a picture gives to its embedding. */

import type { Inner } from "../encoder.js";
import { dot, type Embedding } from "../similarity.js";
import type { Branch, PooledNetwork } from "./pooling.js";

// The most by which the parts of the places may miss the embedding: rounding of the network's run.
const TOLERANCE = 1e-4;
const LEAST_LENGTH = 1e-12;

/** An embedding as the sum of what each place gives to it. */
export interface PlacedEmbedding {
  readonly embedding: Embedding;
  /** The feature map is so many places wide and high. */
  readonly side: number;
  /** What each place gives, side × side rows of D. Their sum is the embedding. */
  readonly parts: readonly Float32Array[];
  /** Each place's share of what was pooled. Their sum is 1. */
  readonly shares: Float32Array;
}

/**
 * An embedding taken apart into what each place gives; null where the network is not what its graph seemed to be.
 *
 * A generalised mean is the root of a mean of powers: a place has that share of it which it has of the powers. What comes
 * behind is linear for one picture. A constant belongs to no place; each bears its share.
 */
export function placedEmbedding(network: PooledNetwork, embedding: Embedding, inner: Inner): PlacedEmbedding | null {
  const pooled = inner.get(network.pooled)!.data;
  const given = givenBy(network.branches, pooled, inner);
  if (!given) return null;
  let scale = 1;
  let constant = new Float32Array(embedding.length);
  for (const step of network.steps) {
    if ("length" in step) {
      const length = inner.get(step.length)!.data[0]!;
      scale /= length;
      constant = constant.map((value) => value / length);
    } else {
      constant = constant.map((value, i) => value + step.constant[i]!);
    }
  }
  const squares = Math.max(dot(pooled, pooled), LEAST_LENGTH);
  const shares = Float32Array.from(given, (place) => dot(place, pooled) / squares);
  const parts = given.map((place, p) =>
    projected(network.weight, place).map((value, d) => scale * value + shares[p]! * constant[d]!),
  );
  const misses = embedding.map((value, d) => value - parts.reduce((sum, part) => sum + part[d]!, 0));
  if (!misses.every((miss) => Math.abs(miss) <= TOLERANCE)) return null;
  return { embedding, side: Math.sqrt(parts.length), parts, shares };
}

/** The same for an adapted embedding: an offset taken away from all places by their shares. */
export function placedLess(placed: PlacedEmbedding, offset: Embedding): PlacedEmbedding {
  const rest = placed.embedding.map((value, d) => value - offset[d]!);
  const length = Math.max(Math.sqrt(dot(rest, rest)), LEAST_LENGTH);
  return {
    ...placed,
    embedding: rest.map((value) => value / length),
    parts: placed.parts.map((part, p) => part.map((value, d) => (value - placed.shares[p]! * offset[d]!) / length)),
  };
}

/** What each place gives to each pooled value; null where the branches do not fit each other. */
function givenBy(branches: readonly Branch[], pooled: Float32Array, inner: Inner): Float32Array[] | null {
  const maps = branches.map((branch) => inner.get(branch.averaged)!);
  const [, , height, width] = maps[0]!.dims;
  if (maps.some(({ dims }) => dims.length !== 4 || dims[2] !== height || dims[3] !== width)) return null;
  if (height === undefined || height !== width) return null;
  const places = height * width;
  if (maps.reduce((channels, map) => channels + map.dims[1]!, 0) !== pooled.length) return null;
  const given = Array.from({ length: places }, () => new Float32Array(pooled.length));
  let first = 0;
  branches.forEach((branch, b) => {
    const { data, dims } = maps[b]!;
    const divisor = branch.lengths.reduce((product, name) => product * inner.get(name)!.data[0]!, places);
    for (let channel = 0; channel < dims[1]!; channel++) {
      const values = data.subarray(channel * places, (channel + 1) * places);
      const total = values.reduce((sum, value) => sum + value, 0);
      values.forEach((value, p) => {
        const share = total > 0 ? value / total : 1 / places;
        given[p]![first + channel] = branch.powers ? share * pooled[first + channel]! : value / divisor;
      });
    }
    first += dims[1]!;
  });
  return given;
}

function projected(weight: Float32Array, place: Float32Array): Float32Array {
  const width = place.length;
  return Float32Array.from({ length: weight.length / width }, (_, d) =>
    dot(weight.subarray(d * width, (d + 1) * width), place),
  );
}
