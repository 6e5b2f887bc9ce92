/** Whether this build brings WebGPU's runtime along (`npm run build:page-gpu`). */
declare const __GPU__: boolean;
