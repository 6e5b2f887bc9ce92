/** The cosine of two embeddings: in [-1, 1], higher is more alike. */

/** An embedding: D numbers, of unit length. */
export type Embedding = Float32Array;

/** The pairs of a trio, by position. */
export const TRIO_PAIRS = [
  [0, 1],
  [0, 2],
  [1, 2],
] as const;

/** The cosine of two embeddings; the same to the bit in either order. */
export function similarity(first: Embedding, second: Embedding): number {
  return Math.fround(Math.min(1, Math.max(-1, dot(first, second))));
}

export function dot(first: ArrayLike<number>, second: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < first.length; i++) sum += first[i]! * second[i]!;
  return sum;
}

/** An embedding less an offset, of unit length again. */
export function less(embedding: Embedding, offset: Embedding): Embedding {
  const rest = embedding.map((value, i) => value - offset[i]!);
  const length = Math.max(Math.sqrt(dot(rest, rest)), 1e-12);
  return rest.map((value) => value / length);
}
