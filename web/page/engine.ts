/** The page's side of the worker that decodes and computes. */

import type { Card, Explanation, TrioVerdict, Verdict } from "../src/index.js";
import workerScript from "./engine.worker.ts?worker&url";
import type { Site } from "./site.js";

export interface Opened {
  readonly card: Card;
  readonly backend: "WebGPU" | "WebAssembly";
  readonly threads: number;
}

/** What the worker can be asked, what is given, and what is found. */
export interface Requests {
  open: { given: { site: Site; base: string; cache: string }; found: Opened };
  add: { given: { file: Blob; name: string }; found: { id: number } };
  drop: { given: { id: number }; found: void };
  judge: { given: { ids: readonly number[]; operatingPoint: string }; found: Verdict | TrioVerdict };
  explain: { given: { ids: readonly number[] }; found: Explanation };
  adapt: { given: { files: readonly File[] }; found: { card: Card; unreadable: readonly string[] } };
  forget: { given: null; found: { card: Card } };
}

export interface Request {
  readonly at: number;
  readonly name: keyof Requests;
  readonly given: unknown;
}

export type Reply = { readonly at: number } & (
  | { readonly progress: readonly [number, number] }
  | { readonly found: unknown }
  | { readonly error: string }
);

type OnProgress = (done: number, all: number) => void;

interface Waiting {
  readonly resolve: (found: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: OnProgress;
}

export class Engine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor() {
    // A worker that begins as a blob is bound by the page's policy; one that came from an address is not.
    const start = `import ${JSON.stringify(new URL(workerScript, location.href).href)};`;
    const blob = URL.createObjectURL(new Blob([start], { type: "text/javascript" }));
    this.#worker = new Worker(blob, { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => this.#hear(data));
    this.#worker.addEventListener("error", () =>
      this.#fail(new Error("the page's worker cannot start in this browser")),
    );
  }

  ask<Name extends keyof Requests>(
    name: Name,
    given: Requests[Name]["given"],
    onProgress: OnProgress = () => undefined,
  ): Promise<Requests[Name]["found"]> {
    return new Promise((resolve, reject) => {
      const at = this.#next++;
      this.#waiting.set(at, { resolve: resolve as Waiting["resolve"], reject, onProgress });
      this.#worker.postMessage({ at, name, given } satisfies Request);
    });
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.at);
    if (!waiting) return;
    if ("progress" in reply) {
      waiting.onProgress(...reply.progress);
      return;
    }
    this.#waiting.delete(reply.at);
    if ("error" in reply) waiting.reject(new Error(reply.error));
    else waiting.resolve(reply.found as never);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
