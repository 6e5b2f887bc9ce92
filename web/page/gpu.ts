/** onnxruntime-web for the graphics card; loaded only where there is one (`npm run build:page-gpu`). */

import * as ort from "onnxruntime-web/webgpu";
import script from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";

import type { Runtime } from "../src/index.js";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { mjs: new URL(script, import.meta.url).href, wasm: new URL(binary, import.meta.url).href };

export const runtime = ort as Runtime;
