/** Decoding and computing, away from the page, so that it always answers. */

import wasmScript from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmBinary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import { type Embedding, load, type Picture, readPicture, Recognizer, type Runtime } from "../src/index.js";
import type { Opened, Reply, Request, Requests } from "./engine.js";
import { kept, type Site } from "./site.js";

// More threads than this gain nothing for a network of this size.
const MOST_THREADS = 4;

let loaded: Recognizer;
let recognizer: Recognizer;
const pictures = new Map<number, Picture>();
let embeddings = new Map<number, Embedding>();
let nextPicture = 0;

const handlers: { [Name in keyof Requests]: (given: Requests[Name]["given"], at: number) => Promise<Requests[Name]["found"]> } = {
  async open({ site, base, cache }, at) {
    const url = new URL(site.model, base).href;
    const data = await kept(url, cache, (done) => progress(at, done, site.bytes));
    const opened = await open(data, site, cache);
    return opened;
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
      } catch {
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

async function open(data: Uint8Array, site: Site, cache: string): Promise<Opened> {
  const gpu = __GPU__ ? await openOnGpu(data, site) : null;
  const threads = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  loaded = gpu ?? (await openOnWasm(data, site, cache, threads));
  recognizer = loaded;
  return { card: loaded.card, backend: gpu ? "WebGPU" : "WebAssembly", threads: gpu ? 0 : threads };
}

async function openOnWasm(data: Uint8Array, site: Site, cache: string, threads: number): Promise<Recognizer> {
  const ort = await import("onnxruntime-web/wasm");
  const binary = new URL(wasmBinary, import.meta.url).href;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: new URL(wasmScript, import.meta.url).href, wasm: binary };
  ort.env.wasm.wasmBinary = (await kept(binary, cache)).buffer;
  return load(ort as Runtime, data, { name: site.model });
}

/** On the graphics card, where there is one and its driver can. */
async function openOnGpu(data: Uint8Array, site: Site): Promise<Recognizer | null> {
  if (!("gpu" in navigator)) return null;
  try {
    const { runtime } = await import("./gpu.js");
    return await load(runtime, data, { name: site.model, backends: ["webgpu"] });
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
