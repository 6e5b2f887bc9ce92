/** Decoding and computing, away from the page, so that it always answers. */

import wasmScript from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmBinary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import { type Embedding, ImageError, load, type Picture, readPicture, Recognizer, type Runtime } from "../src/index.js";
import type { Reply, Request, Requests } from "./engine.js";
import { kept } from "./site.js";

// More threads than this gain nothing for a network of this size.
const MOST_THREADS = 4;

let loaded: Recognizer;
let recognizer: Recognizer;
const pictures = new Map<number, Picture>();
let embeddings = new Map<number, Embedding>();
let nextPicture = 0;

const handlers: {
  [Name in keyof Requests]: (given: Requests[Name]["given"], at: number) => Promise<Requests[Name]["found"]>;
} = {
  async open({ site, base, cache }, at) {
    const graphics = __GPU__ && (await hasGraphicsCard());
    const runtime = graphics ? onGpu(cache) : onWasm(cache);
    const data = await kept(new URL(site.model, base).href, cache, (done) => progress(at, done, site.bytes));
    const gpu = graphics ? await openOnGpu(runtime, data, site.model) : null;
    loaded = gpu ?? (await load(await (graphics ? onWasm(cache) : runtime), data, { name: site.model }));
    recognizer = loaded;
    // The first run is slow, because the browser compiles what it runs; better while the visitor looks for pictures.
    loaded.embed(new Uint8Array(3 * loaded.card.input_size ** 2)).catch(() => undefined);
    return { card: loaded.card, backend: gpu ? "WebGPU" : "WebAssembly", threads: gpu ? 0 : threads() };
  },
  async add({ file, name }) {
    const picture = await readPicture(file, recognizer.card.input_size, name);
    pictures.set(nextPicture, picture);
    return { id: nextPicture++ };
  },
  async drop({ id }) {
    pictures.delete(id);
    embeddings.delete(id);
  },
  async judge({ ids, operatingPoint }) {
    const rows: Embedding[] = [];
    for (const id of ids) rows.push(await embedded(id));
    return recognizer.judge(rows, operatingPoint);
  },
  async explain({ ids }) {
    return recognizer.explain(ids.map((id) => pictures.get(id)!.pixels));
  },
  async adapt({ files }, at) {
    const rows: Embedding[] = [];
    const unreadable: string[] = [];
    for (const [i, file] of files.entries()) {
      try {
        rows.push(await loaded.embedBare((await readPicture(file, loaded.card.input_size, file.name)).pixels));
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        unreadable.push(file.name);
      }
      progress(at, i + 1, files.length);
    }
    use(loaded.adapt(rows));
    return { card: recognizer.card, unreadable };
  },
  async forget() {
    use(loaded);
    return { card: recognizer.card };
  },
};

/** onnxruntime-web for WebAssembly, which is loaded beside the model. */
async function onWasm(cache: string): Promise<Runtime> {
  const ort = await import("onnxruntime-web/wasm");
  const binary = new URL(wasmBinary, import.meta.url).href;
  ort.env.wasm.numThreads = threads();
  ort.env.wasm.wasmPaths = { mjs: new URL(wasmScript, import.meta.url).href, wasm: binary };
  ort.env.wasm.wasmBinary = (await kept(binary, cache)).buffer;
  return ort as Runtime;
}

/** More than one only where the page's headers allow memory that threads share. */
function threads(): number {
  return crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
}

/** Whether there is a graphics card, and not only a processor that imitates one, which is slower than WebAssembly. */
async function hasGraphicsCard(): Promise<boolean> {
  if (!("gpu" in navigator)) return false;
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter !== null && !adapter.info.isFallbackAdapter;
}

async function onGpu(cache: string): Promise<Runtime> {
  return (await import("./gpu.js")).open(cache);
}

/** The model on the graphics card; null where its driver cannot. */
async function openOnGpu(runtime: Promise<Runtime>, data: Uint8Array, name: string): Promise<Recognizer | null> {
  try {
    return await load(await runtime, data, { name, backends: ["webgpu"] });
  } catch {
    return null;
  }
}

function use(other: Recognizer): void {
  recognizer = other;
  embeddings = new Map();
}

async function embedded(id: number): Promise<Embedding> {
  let row = embeddings.get(id);
  if (!row) {
    row = await recognizer.embed(pictures.get(id)!.pixels);
    embeddings.set(id, row);
  }
  return row;
}

function progress(at: number, done: number, all: number): void {
  post({ at, progress: [done, all] });
}

function post(reply: Reply): void {
  postMessage(reply);
}

// One after the other: a verdict that was asked for after an adaptation is one of the adapted model.
let last: Promise<void> = Promise.resolve();
addEventListener("message", ({ data }: MessageEvent<Request>) => {
  last = last.then(() => handle(data));
});

async function handle({ at, name, given }: Request): Promise<void> {
  try {
    const handler = handlers[name] as (given: unknown, at: number) => Promise<unknown>;
    post({ at, found: await handler(given, at) });
  } catch (error) {
    post({ at, error: error instanceof Error ? error.message : String(error) });
  }
}
