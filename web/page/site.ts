/** What lies beside the page: `site.json`, which `samekind export-web` writes. */

export interface Site {
  /** The name of the model file. */
  readonly model: string;
  /** The bytes of the model file, so that the progress of its download can be shown. */
  readonly bytes: number;
  /** Changes with every file of the site. */
  readonly version: string;
  /** All other files of the site. */
  readonly files: readonly string[];
}

export async function readSite(): Promise<Site> {
  const response = await fetch("site.json");
  if (!response.ok) throw new Error("site.json is missing; write this page with: samekind export-web FOLDER");
  return (await response.json()) as Site;
}

/** The name of the cache of one version of a site, so that several sites of one host do not disturb each other. */
export function cacheName(scope: string, version: string): string {
  return `samekind ${scope} ${version}`;
}

/** Bytes from the cache, or else from the host, and then kept for the next visit. */
export async function kept(
  url: string,
  cache: string,
  onProgress: (done: number) => void = () => undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  // A page that came over plain HTTP from another machine has no cache.
  const store = "caches" in globalThis ? await caches.open(cache) : null;
  const stored = await store?.match(url);
  const response = stored ?? (await fetch(url));
  if (!response.ok || !response.body) throw new Error(`${url}: cannot be loaded (${response.status})`);
  const storing = stored ? null : store?.put(url, response.clone());
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { value } = await reader.read();
    if (!value) break;
    parts.push(value);
    onProgress((done += value.length));
  }
  // A disk that is full costs the next visit a download, and no more.
  await storing?.catch(() => undefined);
  const whole = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
