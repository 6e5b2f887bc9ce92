/** What is known of a collection of pictures without labels, and what similarities then mean. */

import type { Adapted, Card, DomainCalibration, PairCalibration, TrioCalibration } from "./card.js";
import { AdaptationError } from "./errors.js";
import { dot, type Embedding, less, similarity } from "./similarity.js";

/** With fewer different pictures, what is known of the collection is mostly chance. */
export const FEWEST_PICTURES = 10;
/** More pictures than this are not compared with each other. */
export const MOST_COMPARED = 500;
// The cosine of two copies of a picture, saved anew.
const ONE_PICTURE = 0.995;
// One standard deviation below the middle of a normal distribution lies this share.
const BELOW = 0.1587;

/** What a model knows of a collection: what is taken away from each embedding, and the card that then holds. */
export interface Adaptation {
  readonly offset: Embedding;
  readonly card: Card;
}

/**
 * Adapt a model to a collection, of which nothing is known but how it looks to the model.
 *
 * @param embeddings By the bare model; 20 serve, 200 are better.
 * @param card The bare model's.
 * @param source What the pictures are, in words.
 * @throws AdaptationError Fewer than ten different pictures, or a model that was never measured on collections that
 *   it does not know.
 */
export function adapt(embeddings: readonly Embedding[], card: Card, source: string): Adaptation {
  const { domains } = card;
  if (!domains) {
    throw new AdaptationError(
      `${card.name}: cannot be adapted without labels, because nobody has measured what its similarities then mean`,
    );
  }
  const compared = comparedOf(embeddings);
  const pictures = embeddings.length;
  const counted = pictures > MOST_COMPARED ? embeddings : compared;
  const mean = meanOf(counted);
  const length = lengthOf(mean, counted.length);
  const share = Math.min(1, length / domains.full_length);
  const offset = mean.map((value) => share * value);
  const spread = knownSpread(compared, offset, domains);
  const about: Adapted = { source, pictures, distinct: compared.length, length, share, spread };
  const [pair, trio] = [pairFor(domains, spread, length), trioFor(domains, spread, length)];
  return { offset, card: { ...card, pair, trio, adapted: about, narrow: null } };
}

/** Different pictures of a collection, from all over it: the first of each set of copies. */
function comparedOf(embeddings: readonly Embedding[]): Embedding[] {
  const most = Math.min(embeddings.length, MOST_COMPARED);
  const step = (embeddings.length - 1) / (most - 1);
  const places = Array.from({ length: most }, (_, i) =>
    i === most - 1 ? embeddings.length - 1 : Math.floor(i * step),
  );
  const rows = places.map((place) => embeddings[place]!);
  const different = rows.filter((row, i) => !rows.slice(0, i).some((other) => dot(row, other) > ONE_PICTURE));
  if (different.length < FEWEST_PICTURES) {
    throw new AdaptationError(
      `${embeddings.length} readable pictures, ${different.length} of them different; at least ${FEWEST_PICTURES} ` +
        "different ones are needed, and 20 to 200 are better",
    );
  }
  return different;
}

function meanOf(rows: readonly Embedding[]): Embedding {
  const sum = new Float64Array(rows[0]!.length);
  for (const row of rows) row.forEach((value, i) => (sum[i]! += value));
  return Float32Array.from(sum, (value) => value / rows.length);
}

/** How long the mean would be of endlessly many such pictures: what two have in common on average. */
function lengthOf(mean: Embedding, known: number): number {
  const squared = (known * dot(mean, mean) - 1) / (known - 1);
  return Math.min(1, Math.sqrt(Math.max(0, squared)));
}

/** How widely the similarities spread, drawn towards the usual spread where the pictures are few. */
function knownSpread(compared: readonly Embedding[], offset: Embedding, domains: DomainCalibration): number {
  const rows = compared.map((row) => less(row, offset));
  const found = Float64Array.from(rows.flatMap((row, i) => rows.slice(i + 1).map((other) => similarity(row, other))));
  found.sort();
  const spread = quantile(found, 0.5) - quantile(found, BELOW);
  const known = Math.min(rows.length, MOST_COMPARED);
  return Math.sqrt((known * spread ** 2 + domains.few * domains.spread ** 2) / (known + domains.few));
}

/** Of sorted numbers, linear between two neighbours. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return low + (place - below) * ((sorted[below + 1] ?? low) - low);
}

/** The calibrations for a collection, in units of its spread, and how many of these its similarities count less. */
function known({ pair, trio, broad }: DomainCalibration, length: number) {
  if (!broad || length >= broad.below) return { pair, trio, shift: 0 };
  return { pair: broad.pair, trio: broad.trio, shift: broad.shift * (broad.below - length) };
}

function pairFor(domains: DomainCalibration, spread: number, length: number): PairCalibration {
  const { pair, shift } = known(domains, length);
  const points = Object.entries(pair.operating_points).map(([name, point]) => [
    name,
    { ...point, threshold: Math.min(1, (point.threshold + shift) * spread) },
  ]);
  const bias = pair.bias - pair.scale * shift;
  return { ...pair, scale: pair.scale / spread, bias, operating_points: Object.fromEntries(points) };
}

function trioFor(domains: DomainCalibration, spread: number, length: number): TrioCalibration | null {
  const { trio, shift } = known(domains, length);
  if (!trio) return null;
  const [first, second, third] = trio.weights;
  const bias = trio.bias - (first + second + third) * shift;
  return { ...trio, weights: [first / spread, second / spread, third / spread], bias };
}
