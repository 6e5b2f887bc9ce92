/** Whether a bare model's rates can be trusted on two or three pictures, or all are of one narrow kind. */

import type { Card, NarrowKinds } from "./card.js";
import { dot, type Embedding } from "./similarity.js";

const REMEDY = "the error rates do not hold among such pictures; judge them among 20 or more of your own";

/** Why the rates of a card may not hold for these pictures, in one line; null where they should. */
export function doubt(card: Card, pictures: readonly Embedding[]): string | null {
  const { narrow } = card;
  if (!narrow) return null;
  const prototypes = unpacked(narrow);
  const leads = pictures.map((picture) => leadOf(narrow, prototypes, picture));
  const least = leads[0]!.map((_, kind) => Math.min(...leads.map((lead) => lead[kind]!)));
  const most = Math.max(...least);
  return most > narrow.margin ? `all look like ${narrow.names[least.indexOf(most)]}, and ${REMEDY}` : null;
}

/** How much nearer a picture is to each narrow kind than to everyday pictures, which are the last kind. */
function leadOf(narrow: NarrowKinds, prototypes: readonly Embedding[], picture: Embedding): number[] {
  const nearest = narrow.names.map(() => -Infinity);
  prototypes.forEach((prototype, i) => {
    const kind = narrow.kinds[i]!;
    nearest[kind] = Math.max(nearest[kind]!, dot(prototype, picture));
  });
  const everyday = nearest.pop()!;
  return nearest.map((cosine) => cosine - everyday);
}

const known = new WeakMap<NarrowKinds, Embedding[]>();

function unpacked(narrow: NarrowKinds): Embedding[] {
  let rows = known.get(narrow);
  if (!rows) {
    const bytes = Int8Array.from(atob(narrow.prototypes), (letter) => letter.charCodeAt(0));
    const dimension = bytes.length / narrow.kinds.length;
    rows = narrow.kinds.map((_, i) => {
      const row = Float32Array.from(bytes.subarray(i * dimension, (i + 1) * dimension));
      const length = Math.sqrt(dot(row, row));
      return row.map((value) => value / length);
    });
    known.set(narrow, rows);
  }
  return rows;
}
