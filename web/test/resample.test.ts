import { expect, test } from "vitest";

import { squashed, upsampled } from "../src/resample.js";
import { bytes, golden, picture } from "./pictures.js";

test.each(golden.resized)("$width × $height to $side is Pillow's, to the bit", ({ width, height, side, pixels }) => {
  expect(squashed(picture(width, height, side), side)).toEqual(bytes(pixels));
});

test("a flat picture stays flat, whatever its size", () => {
  for (const [width, height] of [
    [1, 1],
    [500, 3],
    [224, 224],
    [1000, 777],
  ] as const) {
    const data = new Uint8Array(3 * width * height).fill(77);
    expect(new Set(squashed({ width, height, data }, 20))).toEqual(new Set([77]));
  }
});

test("an upsampled map is Pillow's", () => {
  const map = Float32Array.from({ length: 9 }, (_, i) => i ** 2);
  const found = upsampled(map, 3, 8, 5);
  golden.upsampled.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
  expect(found).toHaveLength(golden.upsampled.length);
});
