/** The outside of an ONNX file: its metadata, its graph, and the same model with more outputs. */

import { ModelFileError } from "./errors.js";
import { type Field, fields, joined, numbersOf, textOf, written } from "./protobuf.js";

// The numbers of the fields, from onnx.proto.
const MODEL = { graph: 7, opset: 8, metadata: 14, function: 25 };
const GRAPH = { node: 1, initializer: 5, output: 12 };
const NODE = { input: 1, output: 2, operator: 4 };
const TENSOR = { shape: 1, type: 2, name: 8, raw: 9 };
const VALUE_NAME = 1;

export interface Node {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly operator: string;
}

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** onnx.TensorProto's number of the type: 1 is float, 10 is float16. */
  readonly type: number;
  readonly raw: Uint8Array;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly string[];
}

/** An ONNX file, taken apart as far as samekind needs. */
export class OnnxFile {
  readonly #fields: readonly Field[];

  /**
   * @param data The bytes of the file.
   * @param name What messages call it.
   * @throws ModelFileError The bytes are no ONNX model.
   */
  constructor(data: Uint8Array, name: string) {
    try {
      this.#fields = [...fields(data)];
    } catch {
      throw new ModelFileError(`${name}: not an ONNX model, or a broken one`);
    }
    if (this.#of(MODEL.graph).length !== 1) throw new ModelFileError(`${name}: not an ONNX model`);
  }

  /** The metadata by key. */
  get metadata(): Map<string, string> {
    const found = new Map<string, string>();
    for (const entry of this.#of(MODEL.metadata)) {
      const [key, value] = [1, 2].map((number) => [...fields(entry.bytes)].find((f) => f.number === number));
      if (key) found.set(textOf(key), value ? textOf(value) : "");
    }
    return found;
  }

  /** All that decides what the network computes: the graph, its functions, the versions of the operators. */
  get network(): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    for (const number of [MODEL.graph, MODEL.function, MODEL.opset]) {
      const messages = this.#of(number);
      parts.push(eightBytes(messages.length));
      for (const message of messages) parts.push(eightBytes(message.bytes.length), message.bytes);
    }
    return joined(parts);
  }

  /** The graph: how its nodes hang together, its weights where they lie. */
  graph(): Graph {
    const nodes: Node[] = [];
    const tensors = new Map<string, Tensor>();
    const outputs: string[] = [];
    for (const field of fields(this.#graph)) {
      if (field.number === GRAPH.node) nodes.push(nodeOf(field.bytes));
      else if (field.number === GRAPH.initializer) {
        const tensor = tensorOf(field.bytes);
        tensors.set(tensor.name, tensor);
      } else if (field.number === GRAPH.output) {
        const name = [...fields(field.bytes)].find((f) => f.number === VALUE_NAME);
        if (name) outputs.push(textOf(name));
      }
    }
    return { nodes, tensors, outputs };
  }

  /** The model as bytes, with inner values of its graph as further outputs. */
  withOutputs(names: readonly string[]): Uint8Array<ArrayBuffer> {
    const more = names.map((name) => written(GRAPH.output, written(VALUE_NAME, new TextEncoder().encode(name))));
    const graph = written(MODEL.graph, joined([this.#graph, ...more]));
    return joined(this.#fields.map((field) => (field.number === MODEL.graph ? graph : field.whole)));
  }

  get #graph(): Uint8Array {
    return this.#of(MODEL.graph)[0]!.bytes;
  }

  #of(number: number): Field[] {
    return this.#fields.filter((field) => field.number === number);
  }
}

function nodeOf(message: Uint8Array): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let operator = "";
  for (const field of fields(message)) {
    if (field.number === NODE.input) inputs.push(textOf(field));
    else if (field.number === NODE.output) outputs.push(textOf(field));
    else if (field.number === NODE.operator) operator = textOf(field);
  }
  return { inputs, outputs, operator };
}

function tensorOf(message: Uint8Array): Tensor {
  const shape: number[] = [];
  let [name, type, raw] = ["", 0, new Uint8Array()];
  for (const field of fields(message)) {
    if (field.number === TENSOR.shape) shape.push(...numbersOf(field));
    else if (field.number === TENSOR.type) type = field.value;
    else if (field.number === TENSOR.name) name = textOf(field);
    else if (field.number === TENSOR.raw) raw = field.bytes as Uint8Array<ArrayBuffer>;
  }
  return { name, shape, type, raw };
}

function eightBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
