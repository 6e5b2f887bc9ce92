import { readFile } from "node:fs/promises";
import { defineConfig, type Plugin } from "vite";

// Where `samekind export-web` looks for the page.
const BUILT = "../src/samekind/web/page";
const MODEL = new URL("../src/samekind/models/general.onnx", import.meta.url);

/** In `npm run dev`: the files that `samekind export-web` would write beside the page. */
const shippedModel: Plugin = {
  name: "samekind-shipped-model",
  configureServer(server) {
    server.middlewares.use(async (request, response, next) => {
      const data = request.url && ["/site.json", "/model.onnx"].includes(request.url) ? await readFile(MODEL) : null;
      if (!data) next();
      else if (request.url === "/model.onnx") response.end(data);
      else
        response.end(
          JSON.stringify({ model: "model.onnx", bytes: data.length, version: String(Date.now()), files: [] }),
        );
    });
  },
};

export default defineConfig(({ mode }) => ({
  root: "page",
  base: "./",
  define: { __GPU__: JSON.stringify(mode === "gpu") },
  plugins: [shippedModel],
  // Its builds that come without the WebAssembly, which then is a file of its own.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"] },
  build: {
    outDir: `../${BUILT}`,
    emptyOutDir: true,
    target: "es2022",
    // Content-Security-Policy allows no data: scripts, and a wasm file inside a script cannot be cached by itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: "page/index.html", "service-worker": "page/service-worker.ts" },
      // A service worker's name must stay, or browsers would keep the old one.
      output: { entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
  worker: { format: "es" },
  test: { root: ".", include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
}));
