/** onnxruntime-web for the graphics card; loaded only where there is one (`npm run build:page-gpu`). */

import * as ort from "onnxruntime-web/webgpu";
import script from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";

import type { Runtime } from "../src/index.js";
import { kept } from "./site.js";

export async function open(cache: string): Promise<Runtime> {
  const wasm = new URL(binary, import.meta.url).href;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: new URL(script, import.meta.url).href, wasm };
  ort.env.wasm.wasmBinary = (await kept(wasm, cache)).buffer;
  return ort as Runtime;
}
