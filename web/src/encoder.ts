/** Pictures in, embeddings out: the network of a model file, run by onnxruntime-web. */

import type { InferenceSession, Tensor } from "onnxruntime-web";

import { ImageError, ModelFileError } from "./errors.js";
import { type PooledNetwork, pooledNetwork, tapsOf } from "./explain/pooling.js";
import type { ModelFile } from "./model-file.js";
import type { Graph } from "./onnx.js";
import type { Embedding } from "./similarity.js";

// Where `samekind adapt` puts a collection's mean behind a network, this is what the network gave before.
const BARE = "samekind.bare";

/** onnxruntime-web, or one of its builds: `import * as ort from "onnxruntime-web/wasm"`. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: "uint8", data: Uint8Array, dims: readonly number[]) => Tensor;
}

/** Inner values of one run, by name. */
export type Inner = ReadonlyMap<string, { readonly data: Float32Array; readonly dims: readonly number[] }>;

export class Encoder {
  /** How the network pools, read from its graph; null for a network of another form. */
  readonly pooled: PooledNetwork | null;
  /** Whether the network takes a collection's mean away by itself. */
  readonly adapted: boolean;
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #size: number;
  readonly #output: string;
  // onnxruntime-web runs one picture at a time.
  #last: Promise<unknown> = Promise.resolve();

  private constructor(runtime: Runtime, session: InferenceSession, model: ModelFile, network: Network) {
    this.#runtime = runtime;
    this.#session = session;
    this.#size = model.card.input_size;
    this.#output = network.output;
    this.pooled = network.pooled;
    this.adapted = network.adapted;
  }

  /**
   * Open the network of a model file. What explanations need of its inner values become further outputs, which cost
   * nothing until they are asked for.
   *
   * @param runtime onnxruntime-web.
   * @param model From `readModel`.
   * @param backends onnxruntime-web's execution providers, best first: `webgpu`, `wasm`.
   * @throws ModelFileError The network cannot run here.
   */
  static async open(runtime: Runtime, model: ModelFile, backends: readonly string[] = ["wasm"]): Promise<Encoder> {
    const { card, onnx } = model;
    const network = networkOf(onnx.graph());
    const taps = [...(network.pooled ? tapsOf(network.pooled) : []), ...(network.adapted ? [BARE] : [])];
    let session: InferenceSession;
    try {
      session = await runtime.InferenceSession.create(onnx.withOutputs(taps), {
        executionProviders: [...backends],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
      });
    } catch (error) {
      throw new ModelFileError(`${card.name}: onnxruntime-web cannot run this network (${messageOf(error)})`);
    }
    return new Encoder(runtime, session, model, network);
  }

  /** The embedding of one picture, uint8 (S, S, 3). */
  async embed(pixels: Uint8Array): Promise<Embedding> {
    return (await this.run(pixels, [])).embedding;
  }

  /** The embedding that the network gives before it takes the mean of its own collection away. */
  async embedBare(pixels: Uint8Array): Promise<Embedding> {
    if (!this.adapted) return this.embed(pixels);
    return (await this.run(pixels, [BARE])).inner.get(BARE)!.data;
  }

  /** The embedding, and inner values of the same run. */
  async run(pixels: Uint8Array, taps: readonly string[]): Promise<{ embedding: Embedding; inner: Inner }> {
    const size = this.#size;
    if (pixels.length !== size * size * 3) {
      throw new ImageError(`a picture must be ${size} × ${size} pixels of three bytes, not ${pixels.length} bytes`);
    }
    const input = new this.#runtime.Tensor("uint8", pixels, [1, size, size, 3]);
    const run = this.#last.then(() =>
      this.#session.run({ [this.#session.inputNames[0]!]: input }, [this.#output, ...taps]),
    );
    this.#last = run.catch(() => undefined);
    const found = await run;
    const inner = new Map(
      taps.map((name) => [name, { data: found[name]!.data as Float32Array, dims: found[name]!.dims }]),
    );
    return { embedding: found[this.#output]!.data as Float32Array, inner };
  }

  /** Give the memory back. */
  async close(): Promise<void> {
    await this.#session.release();
  }
}

interface Network {
  readonly output: string;
  readonly pooled: PooledNetwork | null;
  readonly adapted: boolean;
}

function networkOf(graph: Graph): Network {
  const output = graph.outputs[0];
  if (output === undefined) throw new ModelFileError("a network without an output");
  const adapted = graph.nodes.some((node) => node.outputs.includes(BARE));
  return { output, pooled: pooledNetwork(graph), adapted };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
