/** The card: what a model says of itself, as Python's `samekind.model_file.card` writes it. */

import { ModelFileError } from "./errors.js";

/** A threshold and the error rates measured at it. */
export interface OperatingPoint {
  /** The verdict is "same" at or above it: a similarity for pairs, a probability for trios. */
  readonly threshold: number;
  /** The false accept rate: the share of items whose answer is no that are judged yes. */
  readonly far: number;
  /** The true accept rate: the share of items whose answer is yes that are judged yes. */
  readonly tar: number;
}

export interface MeasuredOn {
  readonly description: string;
  readonly domain?: string;
}

/** P(same) = 1 / (1 + exp(-(scale × similarity + bias))). */
export interface PairCalibration {
  readonly scale: number;
  readonly bias: number;
  readonly operating_points: Readonly<Record<string, OperatingPoint>>;
  readonly measured_on: MeasuredOn;
}

/** P(at least two alike): a logistic of the three similarities from the highest to the lowest. */
export interface TrioCalibration {
  readonly weights: readonly [number, number, number];
  readonly bias: number;
  readonly operating_points: Readonly<Record<string, OperatingPoint>>;
  readonly measured_on: MeasuredOn;
}

/** What similarities mean in a collection that the model does not know, in units of their spread there. */
export interface DomainCalibration {
  readonly full_length: number;
  readonly spread: number;
  readonly few: number;
  readonly pair: PairCalibration;
  readonly trio: TrioCalibration | null;
  readonly domains: readonly string[];
  readonly broad?: BroadCollections | null;
}

/** The same for collections of many kinds, whose mean is short. */
export interface BroadCollections {
  readonly below: number;
  readonly shift: number;
  readonly pair: PairCalibration;
  readonly trio: TrioCalibration | null;
}

/** Kinds of pictures on which a bare model's rates do not hold. */
export interface NarrowKinds {
  readonly names: readonly string[];
  readonly kinds: readonly number[];
  /** int8 (K, D) as base64. */
  readonly prototypes: string;
  readonly margin: number;
}

/** The collection that a model is adapted to. */
export interface Adapted {
  readonly source: string;
  readonly pictures: number;
  readonly distinct: number;
  readonly length: number;
  readonly share: number;
  readonly spread: number;
}

export interface Card {
  readonly format_version: 2;
  readonly name: string;
  readonly backbone: string;
  /** S: the network takes uint8 (N, S, S, 3). */
  readonly input_size: number;
  readonly dimension: number;
  readonly pair: PairCalibration;
  readonly trio: TrioCalibration | null;
  readonly domains?: DomainCalibration | null;
  readonly adapted?: Adapted | null;
  readonly narrow?: NarrowKinds | null;
  readonly licence: string;
  readonly fingerprint: string;
  readonly resize: "squash";
  /** The share of each side that the network is shown. */
  readonly shown?: number;
  readonly created: string;
}

/**
 * A card from its JSON.
 *
 * @throws ModelFileError It is broken, or of another format.
 */
export function parseCard(text: string, name: string): Card {
  let card: Card;
  try {
    card = JSON.parse(text) as Card;
  } catch {
    throw new ModelFileError(`${name}: its card is no JSON`);
  }
  if (typeof card !== "object" || card === null) throw new ModelFileError(`${name}: its card is broken`);
  if (card.format_version !== 2) {
    throw new ModelFileError(
      `${name}: its card has format ${String(card.format_version)}, and this page reads format 2; ` +
        "write the model anew with a samekind of today",
    );
  }
  if (card.pair === null) throw new ModelFileError(`${name}: not calibrated, so it gives no verdicts`);
  if (card.resize !== "squash" || (card.shown ?? 1) !== 1) {
    throw new ModelFileError(`${name}: sees the middle of each picture, and here a model is shown all of it`);
  }
  for (const [what, well] of checks(card)) {
    if (!well) throw new ModelFileError(`${name}: its card is broken (${what})`);
  }
  return card;
}

function checks(card: Card): [string, boolean][] {
  const { trio, domains } = card;
  return [
    ["name", typeof card.name === "string"],
    ["input_size", isCount(card.input_size)],
    ["dimension", isCount(card.dimension)],
    ["fingerprint", typeof card.fingerprint === "string"],
    ["pair", isPair(card.pair)],
    ["trio", trio === null || isTrio(trio)],
    ["domains", !domains || (isPair(domains.pair) && (domains.trio === null || isTrio(domains.trio)))],
    ["domains", !domains || [domains.full_length, domains.spread, domains.few].every(Number.isFinite)],
  ];
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}

function isPair(found: PairCalibration | undefined): boolean {
  return Number.isFinite(found?.scale) && Number.isFinite(found?.bias) && hasPoints(found!);
}

function isTrio(found: TrioCalibration | undefined): boolean {
  const weights = found?.weights;
  return Array.isArray(weights) && weights.length === 3 && weights.every(Number.isFinite) && hasPoints(found!);
}

function hasPoints(found: PairCalibration | TrioCalibration): boolean {
  const points = found.operating_points;
  return "balanced" in (points ?? {}) && Object.values(points).every((point) => Number.isFinite(point.threshold));
}
