/// <reference lib="webworker" />
/**
 * Keeps the page for when there is no network, and adds the headers that a plain host does not send: those that allow
 * threads, and the page's own policy for its workers as well.
 */

import type { Site } from "./site.js";

declare const self: ServiceWorkerGlobalScope;

// The page says the name, and no module is shared: not every browser takes a service worker of several files.
const CACHE = new URL(self.location.href).searchParams.get("cache") ?? "";
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; " +
    "img-src 'self' blob:; style-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'",
};

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(self.registration.scope)) event.respondWith(respond(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const site = (await (await fetch("site.json", { cache: "no-cache" })).json()) as Site;
  // Of the WebAssembly the page itself has kept what this browser needs.
  const files = site.files.filter((file) => !file.endsWith(".wasm"));
  for (const file of ["./", "site.json", site.model, ...files]) {
    const url = new URL(file, self.registration.scope).href;
    if (!(await cache.match(url))) await cache.add(url);
  }
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  // All versions of this site, but none of another site on the same host.
  const site = CACHE.slice(0, CACHE.lastIndexOf(" ") + 1);
  const ours = (await caches.keys()).filter((name) => name.startsWith(site));
  await Promise.all(ours.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Names with a hash never change, so they come from the cache; what may change comes from the host where it answers. */
async function respond(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const changes = request.mode === "navigate" || request.url.endsWith("/site.json");
  const stored = await cache.match(request, { ignoreSearch: true });
  if (stored && !changes) return withHeaders(stored);
  try {
    return withHeaders(await fetch(request));
  } catch (error) {
    if (stored) return withHeaders(stored);
    throw error;
  }
}

function withHeaders(response: Response): Response {
  if (response.type === "opaqueredirect" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
