/** The made pictures of golden.py, and what it found. */

import { readFileSync } from "node:fs";

import type { Rgb } from "../src/resample.js";

export interface Golden {
  resized: { width: number; height: number; side: number; pixels: string }[];
  upsampled: number[];
  embeddings: string[];
  pairs: [number, boolean][];
  trio: number;
  adapted: {
    about: { pictures: number; distinct: number; length: number; share: number; spread: number };
    offset: string;
    scale: number;
    threshold: number;
    pairs: number[];
    trio: number;
  };
  explained: { maps: [number[], number[]]; lines: number[][] };
}

export const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf-8")) as Golden;

export function picture(width: number, height: number, seed: number): Rgb {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++, at++) {
        const wave = Math.floor((x * ((seed % 7) + 1) + y * ((seed % 5) + 2) * (channel + 1)) / 2) % 256;
        const mixed = (x * 7919 + y * 104729 + channel * 1299709 + seed * 15485863) % 65521;
        const noise = ((mixed * 31) % 65521) % 256;
        const block = ((Math.floor(x / 16) + Math.floor(y / 16) + seed) % 3) * 40;
        data[at] = Math.floor((wave * 2 + noise + block * (seed % 4)) / 3) % 256;
      }
    }
  }
  return { width, height, data };
}

export function bytes(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, "base64"));
}

export function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer);
}

export function model(name: string): Uint8Array {
  return readFileSync(new URL(`../../src/samekind/models/${name}.onnx`, import.meta.url));
}

/** Each two of so many, in the order of numpy's triu_indices. */
export function twos(count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: count - i - 1 }, (_, k) => [i, i + k + 1] as [number, number]),
  ).flat();
}
