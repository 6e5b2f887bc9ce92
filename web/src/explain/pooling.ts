/** How a network pools its last feature map and what it does then, read from its graph. */

import type { Graph, Node, Tensor } from "../onnx.js";

// What leaves values as they are but for their shape or their type.
const SAME_VALUES = ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast", "Dropout", "Gather"];
const BOUNDS = ["Clip", "Max"];
const MEANS = ["ReduceMean", "GlobalAveragePool"];
const FLOAT = 1;
const FLOAT16 = 10;

/** A part of what the head gets: one feature map, pooled over its places. */
export interface Branch {
  /** The name of what is averaged, (N, C, H, W): the feature map, or its powers. */
  readonly averaged: string;
  /** Whether these are powers, whose root is taken after: a generalised mean. */
  readonly powers: boolean;
  /** The names of the lengths by which the pooled values are divided. */
  readonly lengths: readonly string[];
}

/** What a network does to the output of its head: divides it by a length, or adds a constant to it. */
export type Step = { readonly length: string } | { readonly constant: Float32Array };

/** A network that ends with pooling, a linear head, and steps that are linear for one picture. */
export interface PooledNetwork {
  readonly branches: readonly Branch[];
  /** The name of what the head gets, (N, C). */
  readonly pooled: string;
  /** The head's, (D, C), row by row. */
  readonly weight: Float32Array;
  readonly steps: readonly Step[];
}

/** The names of all inner values that an explanation needs, each once. */
export function tapsOf(network: PooledNetwork): string[] {
  const lengths = network.steps.flatMap((step) => ("length" in step ? [step.length] : []));
  const inner = network.branches.flatMap((branch) => [branch.averaged, ...branch.lengths]);
  return [...new Set([network.pooled, ...lengths, ...inner])];
}

/** A network taken apart from its end to its last feature map; null where it is of another form. */
export function pooledNetwork(graph: Graph): PooledNetwork | null {
  return new Walk(graph).pooledNetwork();
}

/** A graph, walked from its end to its beginning. */
class Walk {
  readonly #maker = new Map<string, Node>();
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const node of graph.nodes) for (const made of node.outputs) this.#maker.set(made, node);
  }

  pooledNetwork(): PooledNetwork | null {
    const { steps, value } = this.#steps(this.#graph.outputs[0]!);
    const head = this.#madeBy(value, ["Gemm", "MatMul"]);
    const tensor = head && this.#constant(head.inputs[1]!, 2);
    if (!head || !tensor) return null;
    if (head.operator === "Gemm" && head.inputs.length > 2) {
      const bias = this.#constant(head.inputs[2]!, 1);
      if (!bias) return null;
      steps.push({ constant: bias.numbers });
    }
    const branches = this.#sideBySide(head.inputs[0]!).map((part) => this.#branch(part));
    if (branches.some((branch) => branch === null)) return null;
    // PyTorch writes a Gemm's weight as it keeps it, (D, C); a MatMul's is (C, D).
    const weight = head.operator === "Gemm" ? tensor.numbers : transposed(tensor.numbers, tensor.shape);
    return { branches: branches as Branch[], pooled: head.inputs[0]!, weight, steps: steps.reverse() };
  }

  /** The steps from the output back to the head, the last first, and what the head gives. */
  #steps(output: string): { steps: Step[]; value: string } {
    const steps: Step[] = [];
    let value = output;
    for (;;) {
      const divided = this.#divided(value);
      if (divided) {
        steps.push({ length: divided.length });
        value = divided.rows;
        continue;
      }
      const node = this.#madeBy(value, ["Sub", "Add"]);
      const constant = node && this.#constant(node.inputs[1]!, 1)?.numbers;
      if (!node || !constant) return { steps, value };
      steps.push({ constant: node.operator === "Sub" ? constant.map((number) => -number) : constant });
      value = node.inputs[0]!;
    }
  }

  /** What was divided by its own length to give a value, and the length. */
  #divided(value: string): { rows: string; length: string } | null {
    const node = this.#madeBy(value, ["Div"]);
    if (!node) return null;
    const [rows, length] = node.inputs as [string, string];
    return this.#madeBy(this.#unbounded(length), ["ReduceL2"])?.inputs[0] === rows ? { rows, length } : null;
  }

  #sideBySide(value: string): readonly string[] {
    const same = this.#sameValues(value);
    return this.#madeBy(same, ["Concat"])?.inputs ?? [same];
  }

  #branch(part: string): Branch | null {
    const lengths: string[] = [];
    let value = this.#sameValues(part);
    for (let divided = this.#divided(value); divided; divided = this.#divided(value)) {
      lengths.push(divided.length);
      value = this.#sameValues(divided.rows);
    }
    const root = this.#madeBy(value, ["Pow"]);
    const averaged = this.#madeBy(this.#unbounded(root ? root.inputs[0]! : value), MEANS)?.inputs[0];
    if (averaged === undefined || (root && !this.#madeBy(averaged, ["Pow"]))) return null;
    return { averaged, powers: root !== undefined, lengths };
  }

  #madeBy(value: string, operators: readonly string[]): Node | undefined {
    const node = this.#maker.get(value);
    return node && operators.includes(node.operator) ? node : undefined;
  }

  #unbounded(value: string): string {
    return this.#madeBy(value, BOUNDS)?.inputs[0] ?? value;
  }

  #sameValues(value: string): string {
    let same = value;
    for (let node = this.#madeBy(same, SAME_VALUES); node; node = this.#madeBy(same, SAME_VALUES)) {
      same = node.inputs[0]!;
    }
    return same;
  }

  /** A weight with so many axes; null where it is not known, or of other numbers. */
  #constant(value: string, axes: number): { numbers: Float32Array; shape: readonly number[] } | null {
    const tensor = this.#graph.tensors.get(this.#sameValues(value));
    if (!tensor || tensor.shape.length !== axes) return null;
    const numbers = numbersIn(tensor);
    const count = tensor.shape.reduce((product, side) => product * side, 1);
    return numbers?.length === count ? { numbers, shape: tensor.shape } : null;
  }
}

function numbersIn({ type, raw }: Tensor): Float32Array | null {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (type === FLOAT) return Float32Array.from({ length: raw.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  if (type === FLOAT16)
    return Float32Array.from({ length: raw.length / 2 }, (_, i) => half(view.getUint16(2 * i, true)));
  return null;
}

/** A float16 from its bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function transposed(numbers: Float32Array, [rows, columns]: readonly number[]): Float32Array {
  return numbers.map((_, i) => numbers[(i % rows!) * columns! + Math.floor(i / rows!)]!);
}
