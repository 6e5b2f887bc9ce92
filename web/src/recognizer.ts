/** The public face: load a model, ask whether two or three pictures are the same kind of thing. */

import { type Adaptation, adapt } from "./adaptation.js";
import type { Card } from "./card.js";
import { Encoder, type Runtime } from "./encoder.js";
import { byContributions, type ExplainedPair } from "./explain/contributions.js";
import { GRID, hiddenSquares, lossMap } from "./explain/occlusion.js";
import { type PlacedEmbedding, placedEmbedding, placedLess } from "./explain/places.js";
import { tapsOf } from "./explain/pooling.js";
import { judgePair, judgeTrio, type TrioVerdict, type Verdict } from "./judging.js";
import { readModel } from "./model-file.js";
import { type Embedding, less, TRIO_PAIRS } from "./similarity.js";

/** Why two or three pictures are alike or not. */
export interface Explanation {
  /** `contributions` add up to the similarity; `occlusion` is for networks that do not pool and project. */
  readonly method: "contributions" | "occlusion";
  /** The pair of two pictures, or the three of three. */
  readonly pairs: readonly ExplainedPair[];
}

export interface LoadOptions {
  /** What messages call the model. */
  readonly name?: string;
  /** onnxruntime-web's execution providers, best first. The default is WebAssembly. */
  readonly backends?: readonly string[];
}

/**
 * Load a model.
 *
 * @param runtime onnxruntime-web: `import * as ort from "onnxruntime-web/wasm"`.
 * @param data The bytes of a `.onnx` model file.
 * @throws ModelFileError It is no model of samekind, was changed, or cannot run here.
 */
export async function load(
  runtime: Runtime,
  data: ArrayBuffer | Uint8Array,
  { name = "the model", backends = ["wasm"] }: LoadOptions = {},
): Promise<Recognizer> {
  const model = await readModel(data instanceof Uint8Array ? data : new Uint8Array(data), name);
  return new Recognizer(await Encoder.open(runtime, model, backends), model.card, null);
}

/**
 * A loaded model. Pictures are given as pixels, uint8 (S, S, 3): `readPicture` makes them of a file, and `squashed` of
 * an RGB picture.
 */
export class Recognizer {
  readonly card: Card;
  readonly #encoder: Encoder;
  readonly #loaded: Card;
  readonly #adaptation: Adaptation | null;

  /** Made by `load` and `adapt`. */
  constructor(encoder: Encoder, loaded: Card, adaptation: Adaptation | null) {
    this.#encoder = encoder;
    this.#loaded = loaded;
    this.#adaptation = adaptation;
    this.card = adaptation?.card ?? loaded;
  }

  /** The embedding of one picture: D numbers, of unit length. */
  async embed(pixels: Uint8Array): Promise<Embedding> {
    if (!this.#adaptation) return this.#encoder.embed(pixels);
    return less(await this.#encoder.embedBare(pixels), this.#adaptation.offset);
  }

  /** What `adapt` takes: the embedding of one picture by the network without any collection. */
  async embedBare(pixels: Uint8Array): Promise<Embedding> {
    return this.#encoder.embedBare(pixels);
  }

  /** Do two pictures show the same kind of thing? Their order makes no difference. */
  async verify(first: Uint8Array, second: Uint8Array, operatingPoint?: string): Promise<Verdict> {
    return judgePair(this.card, await this.embed(first), await this.embed(second), operatingPoint);
  }

  /** Do at least two of three pictures show the same kind of thing? Their order makes no difference. */
  async verifyTrio(
    first: Uint8Array,
    second: Uint8Array,
    third: Uint8Array,
    operatingPoint?: string,
  ): Promise<TrioVerdict> {
    const rows = [await this.embed(first), await this.embed(second), await this.embed(third)] as const;
    return judgeTrio(this.card, rows, operatingPoint);
  }

  /** The verdict on two or three embeddings that `embed` gave. */
  judge(rows: readonly Embedding[], operatingPoint?: string): Verdict | TrioVerdict {
    const [first, second, third] = rows;
    if (!first || !second || rows.length > 3) throw new RangeError("two or three embeddings are judged");
    return third
      ? judgeTrio(this.card, [first, second, third], operatingPoint)
      : judgePair(this.card, first, second, operatingPoint);
  }

  /**
   * A model that judges among pictures like these: what they all have in common no longer counts.
   *
   * @param embeddings From `embedBare`; 20 serve, 200 are better.
   * @param source What the pictures are, in words.
   * @throws AdaptationError Fewer than ten different pictures, or a model that cannot be adapted.
   */
  adapt(embeddings: readonly Embedding[], source = `${embeddings.length} pictures`): Recognizer {
    return new Recognizer(this.#encoder, this.#loaded, adapt(embeddings, this.#loaded, source));
  }

  /** Where the similarity of two pictures comes from, or that of each pair of three. */
  async explain(pictures: readonly Uint8Array[]): Promise<Explanation> {
    const pairs = pictures.length === 3 ? TRIO_PAIRS : TRIO_PAIRS.slice(0, 1);
    const placed: PlacedEmbedding[] = [];
    for (const picture of pictures) {
      const found = await this.#placed(picture);
      if (!found) return { method: "occlusion", pairs: await this.#byOcclusion(pictures, pairs) };
      placed.push(found);
    }
    return {
      method: "contributions",
      pairs: pairs.map((pair) => byContributions(pair, placed[pair[0]]!, placed[pair[1]]!)),
    };
  }

  /** Give the memory of the network back; this model and those adapted from it can no longer be used. */
  async close(): Promise<void> {
    await this.#encoder.close();
  }

  async #placed(picture: Uint8Array): Promise<PlacedEmbedding | null> {
    const { pooled, adapted } = this.#encoder;
    // A network that takes another collection's mean away is explained by occlusion, once it is adapted anew.
    if (!pooled || (adapted && this.#adaptation)) return null;
    const { embedding, inner } = await this.#encoder.run(picture, tapsOf(pooled));
    const placed = placedEmbedding(pooled, embedding, inner);
    return placed && this.#adaptation ? placedLess(placed, this.#adaptation.offset) : placed;
  }

  async #byOcclusion(
    pictures: readonly Uint8Array[],
    pairs: readonly (readonly [number, number])[],
  ): Promise<ExplainedPair[]> {
    const rows: Embedding[] = [];
    const hidden: Embedding[][] = [];
    for (const picture of pictures) {
      rows.push(await this.embed(picture));
      const ofPicture: Embedding[] = [];
      for (const square of hiddenSquares(picture)) ofPicture.push(await this.embed(square));
      hidden.push(ofPicture);
    }
    return pairs.map(([i, j]) => ({
      pictures: [i, j],
      side: GRID,
      maps: [lossMap(hidden[i]!, rows[i]!, rows[j]!), lossMap(hidden[j]!, rows[j]!, rows[i]!)],
      correspondences: [],
    }));
  }
}
