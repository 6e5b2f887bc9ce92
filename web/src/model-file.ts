/** A model file: its bytes, checked, and its card. */

import { type Card, parseCard } from "./card.js";
import { ModelFileError } from "./errors.js";
import { OnnxFile } from "./onnx.js";

const CARD_KEY = "samekind.card";

export interface ModelFile {
  readonly card: Card;
  readonly onnx: OnnxFile;
}

/**
 * Read and check a model file.
 *
 * @param data The bytes of the `.onnx` file.
 * @param name What messages call it.
 * @throws ModelFileError It is broken, not a samekind model, of another format, or changed since it was written.
 */
export async function readModel(data: Uint8Array, name = "the model"): Promise<ModelFile> {
  const onnx = new OnnxFile(data, name);
  const text = onnx.metadata.get(CARD_KEY);
  if (text === undefined) throw new ModelFileError(`${name}: an ONNX model, but not one of samekind (it has no card)`);
  const card = parseCard(text, name);
  // Only pages that came over HTTPS or from the same machine can compute a hash.
  const subtle = globalThis.crypto?.subtle;
  if (subtle && (await fingerprint(onnx, card, subtle)) !== card.fingerprint) {
    throw new ModelFileError(`${name}: corrupt; its network is not the one that its card describes`);
  }
  return { card, onnx };
}

/** SHA-256 over the network and how pictures are fed to it: equal fingerprints mean equal embeddings. */
async function fingerprint(onnx: OnnxFile, card: Card, subtle: SubtleCrypto): Promise<string> {
  const head = new TextEncoder().encode(`${card.input_size} ${card.resize}\n`);
  const { network } = onnx;
  const whole = new Uint8Array(head.length + network.length);
  whole.set(head);
  whole.set(network, head.length);
  const digest = new Uint8Array(await subtle.digest("SHA-256", whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
