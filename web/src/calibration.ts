/** From similarities to probabilities, and the thresholds to judge at. */

import type { PairCalibration, TrioCalibration } from "./card.js";
import { OperatingPointError } from "./errors.js";

export const DEFAULT_OPERATING_POINT = "balanced";

/** P(same class) for a similarity. */
export function pairProbability(calibration: PairCalibration, similarity: number): number {
  return logistic(calibration.scale * similarity + calibration.bias);
}

/** P(at least two of three share a class); the same to the bit for every order of the three similarities. */
export function trioProbability(calibration: TrioCalibration, similarities: readonly number[]): number {
  const [first, second, third] = [...similarities].sort((a, b) => b - a) as [number, number, number];
  const [w1, w2, w3] = calibration.weights;
  return logistic(first * w1 + second * w2 + third * w3 + calibration.bias);
}

/**
 * The threshold of an operating point.
 *
 * @throws OperatingPointError The model has none of that name.
 */
export function thresholdAt(calibration: PairCalibration | TrioCalibration, operatingPoint: string): number {
  const point = calibration.operating_points[operatingPoint];
  if (point) return point.threshold;
  const known = Object.keys(calibration.operating_points).join(", ");
  throw new OperatingPointError(`no operating point "${operatingPoint}"; this model has ${known}`);
}

function logistic(score: number): number {
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));
}
