import * as ort from "onnxruntime-web/wasm";
import { beforeAll, expect, test } from "vitest";

import { adapt } from "../src/adaptation.js";
import type { Card } from "../src/card.js";
import { AdaptationError } from "../src/errors.js";
import { load, Recognizer } from "../src/recognizer.js";
import { type Embedding, similarity } from "../src/similarity.js";
import { floats, golden, model, picture, twos } from "./pictures.js";

let recognizer: Recognizer;
const pixels = golden.embeddings.map((_, seed) => picture(224, 224, seed).data);
const expected = golden.embeddings.map(floats);
let rows: Embedding[];

beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  recognizer = await load(ort, model("general"), { name: "general" });
  rows = [];
  for (const one of pixels) rows.push(await recognizer.embed(one));
});

test("embeddings are Python's to 1e-5", () => {
  const worst = Math.max(
    ...rows.map((row, i) => Math.max(...row.map((value, d) => Math.abs(value - expected[i]![d]!)))),
  );
  expect(worst).toBeLessThan(1e-5);
});

test("pairs have Python's probability to 1e-3, and its doubts", () => {
  twos(rows.length).forEach(([i, j], n) => {
    const verdict = recognizer.judge([rows[i]!, rows[j]!]);
    const [probability, sure] = golden.pairs[n]!;
    expect(Math.abs(verdict.probability - probability)).toBeLessThan(1e-3);
    expect(verdict.doubt === null).toBe(sure);
  });
});

test("a trio has Python's probability, the same in every order", async () => {
  const [a, b, c] = rows as [Embedding, Embedding, Embedding];
  const all = [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ].map((three) => recognizer.judge(three));
  expect(new Set(all.map((verdict) => verdict.probability)).size).toBe(1);
  expect(Math.abs(all[0]!.probability - golden.trio)).toBeLessThan(1e-3);
});

test("a pair is the same in either order, to the bit", async () => {
  const [one, other] = [
    await recognizer.verify(pixels[0]!, pixels[1]!),
    await recognizer.verify(pixels[1]!, pixels[0]!),
  ];
  expect(one).toEqual(other);
});

test("adapted to the same pictures, all is as Python has it", async () => {
  const { about, offset, scale, threshold, pairs, trio } = golden.adapted;
  const mine = recognizer.adapt(expected, "made pictures");
  const adapted = mine.card.adapted!;
  expect(adapted).toMatchObject({ pictures: about.pictures, distinct: about.distinct });
  for (const key of ["length", "share", "spread"] as const) expect(adapted[key]).toBeCloseTo(about[key], 6);
  expect(mine.card.pair.scale / scale).toBeCloseTo(1, 6);
  expect(mine.card.pair.operating_points["balanced"]!.threshold).toBeCloseTo(threshold, 6);
  const moved: Embedding[] = [];
  for (const one of pixels) moved.push(await mine.embed(one));
  const unit = expected[0]!.map((value, d) => value - floats(offset)[d]!);
  expect(
    similarity(
      moved[0]!,
      unit.map((value) => value / Math.hypot(...unit)),
    ),
  ).toBeGreaterThan(0.999999);
  twos(rows.length).forEach(([i, j], n) => {
    expect(Math.abs(mine.judge([moved[i]!, moved[j]!]).probability - pairs[n]!)).toBeLessThan(1e-3);
  });
  expect(Math.abs(mine.judge(moved.slice(0, 3)).probability - trio)).toBeLessThan(1e-3);
  expect(mine.judge(moved.slice(0, 2)).doubt).toBeNull();
});

test("in a broad collection similarities count from higher up", () => {
  const { card } = recognizer;
  const domains = { ...card.domains!, broad: null };
  const plain = adapt(expected, { ...card, domains }, "made pictures").card;
  const broad = { below: plain.adapted!.length + 0.1, shift: 2, pair: domains.pair, trio: domains.trio };
  const moved = adapt(expected, { ...card, domains: { ...domains, broad } }, "made pictures").card;
  const spread = plain.adapted!.spread;
  const threshold = (one: Card) => one.pair.operating_points["balanced"]!.threshold;
  expect(threshold(moved) - threshold(plain)).toBeCloseTo(0.2 * spread, 9);
  expect(moved.pair.bias).toBeCloseTo(plain.pair.bias - 0.2 * domains.pair.scale, 9);
  const weights = domains.trio!.weights.reduce((sum, weight) => sum + weight);
  expect(moved.trio!.bias).toBeCloseTo(plain.trio!.bias - 0.2 * weights, 9);
});

test("nine pictures are too few, and so are many copies of one", () => {
  expect(() => recognizer.adapt(rows.slice(0, 9))).toThrow(AdaptationError);
  expect(() => recognizer.adapt(Array.from({ length: 30 }, () => rows[0]!))).toThrow(/1 of them different/);
});

test("an explanation is Python's: maps that add up to the similarity, and the same lines", async () => {
  const mine = recognizer.adapt(expected, "made pictures");
  const found = await mine.explain(pixels.slice(0, 2));
  expect(found.method).toBe("contributions");
  const [pair] = found.pairs;
  const cosine = similarity(await mine.embed(pixels[0]!), await mine.embed(pixels[1]!));
  golden.explained.maps.forEach((map, i) => {
    expect(pair!.maps[i]!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(cosine, 4);
    map.forEach((value, place) => expect(Math.abs(pair!.maps[i]![place]! - value)).toBeLessThan(1e-4));
  });
  expect(pair!.correspondences.map((line) => [...line.first, ...line.second])).toEqual(golden.explained.lines);
});

test("an unknown operating point is refused, with those that there are", () => {
  expect(() => recognizer.judge(rows.slice(0, 2), "sharp")).toThrow(/balanced, strict, very_strict/);
});
