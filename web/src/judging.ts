/** Verdicts from embeddings, by the calibration of a card. */

import { DEFAULT_OPERATING_POINT, pairProbability, thresholdAt, trioProbability } from "./calibration.js";
import type { Card } from "./card.js";
import { doubt } from "./doubt.js";
import { OperatingPointError } from "./errors.js";
import { type Embedding, similarity, TRIO_PAIRS } from "./similarity.js";

/** The verdict on a pair. */
export interface Verdict {
  /** Whether the two are judged to share a class. */
  readonly same: boolean;
  /** Calibrated P(same), where both answers are equally common. */
  readonly probability: number;
  /** Cosine of the embeddings, in [-1, 1]. */
  readonly similarity: number;
  /** `same` is `similarity >= threshold`. */
  readonly threshold: number;
  readonly operatingPoint: string;
  readonly model: string;
  /** The pictures that the error rates at the threshold were measured on, in plain words. */
  readonly ratesFrom: string;
  /** Why the error rates may not hold for these pictures; null where they should. */
  readonly doubt: string | null;
}

/** The verdict on a trio: do at least two of the three share a class? `threshold` is a probability. */
export interface TrioVerdict extends Verdict {
  /** The verdicts on the pairs (0, 1), (0, 2), (1, 2), each judged by itself. */
  readonly pairs: readonly [Verdict, Verdict, Verdict];
  /** Which two are most alike, by position. */
  readonly mostAlike: readonly [number, number];
}

/** @throws OperatingPointError The model has no such operating point. */
export function judgePair(
  card: Card,
  first: Embedding,
  second: Embedding,
  operatingPoint = DEFAULT_OPERATING_POINT,
): Verdict {
  const threshold = thresholdAt(card.pair, operatingPoint);
  const cosine = similarity(first, second);
  return {
    same: cosine >= threshold,
    probability: pairProbability(card.pair, cosine),
    similarity: cosine,
    threshold,
    operatingPoint,
    model: card.name,
    ratesFrom: card.pair.measured_on.domain || card.pair.measured_on.description,
    doubt: doubt(card, [first, second]),
  };
}

/** @throws OperatingPointError The model has no such operating point, or was calibrated for pairs only. */
export function judgeTrio(
  card: Card,
  members: readonly [Embedding, Embedding, Embedding],
  operatingPoint = DEFAULT_OPERATING_POINT,
): TrioVerdict {
  const { trio } = card;
  if (!trio) throw new OperatingPointError(`${card.name}: calibrated for pairs only, on fewer than three classes`);
  const threshold = thresholdAt(trio, operatingPoint);
  const ofPairs = operatingPoint in card.pair.operating_points ? operatingPoint : DEFAULT_OPERATING_POINT;
  const pairs = TRIO_PAIRS.map(([i, j]) => judgePair(card, members[i], members[j], ofPairs));
  const similarities = pairs.map((pair) => pair.similarity);
  const most = similarities.indexOf(Math.max(...similarities));
  const probability = trioProbability(trio, similarities);
  return {
    same: probability >= threshold,
    probability,
    similarity: similarities[most]!,
    threshold,
    operatingPoint,
    model: card.name,
    ratesFrom: trio.measured_on.domain || trio.measured_on.description,
    doubt: doubt(card, members),
    pairs: pairs as [Verdict, Verdict, Verdict],
    mostAlike: TRIO_PAIRS[most]!,
  };
}
