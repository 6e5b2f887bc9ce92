/** A file of the visitor to the pixels that a network takes, as Python's `samekind.images` decodes it. */

import { ImageError } from "./errors.js";
import { reduced, type Rgb, squashed } from "./resample.js";

/** Python's bound, too: a 108-megapixel photograph from a telephone passes. */
export const MAX_PIXELS = 178_956_970;
// Rows that are taken out of the decoded picture at a time: what a canvas of any telephone can hold.
const STRIP = 256;

export interface Picture {
  /** uint8 (S, S, 3), sRGB, upright. */
  readonly pixels: Uint8Array;
  /** The picture's own, upright. */
  readonly width: number;
  readonly height: number;
}

/**
 * Decode one picture and squash it to a square of so many pixels.
 *
 * The browser decodes it, upright and in sRGB; transparency is laid on white. Python has JPEGs decoded at a half, a
 * quarter or an eighth where they are large, which no browser offers; here they are averaged over as many pixels.
 *
 * @throws ImageError The browser cannot decode it, or it is too large.
 */
export async function readPicture(file: Blob, size: number, name = "the picture"): Promise<Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new ImageError(`${name}: no picture that this browser can read; save it as JPEG or PNG`);
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) {
      throw new ImageError(
        `${name}: too large (${width}×${height}); at most ${MAX_PIXELS.toLocaleString("en")} pixels`,
      );
    }
    const by = (await isJpeg(file)) ? draftFactor(width, height, size) : 1;
    return { pixels: squashed(samples(bitmap, by), size), width, height };
  } finally {
    bitmap.close();
  }
}

/** By how much Pillow's `draft` has a JPEG made smaller while it is decoded: still at least twice the square. */
export function draftFactor(width: number, height: number, size: number): number {
  const most = Math.min(Math.floor(width / (2 * size)), Math.floor(height / (2 * size)));
  return [8, 4, 2].find((factor) => most >= factor) ?? 1;
}

async function isJpeg(file: Blob): Promise<boolean> {
  const head = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;
}

/** The samples of a decoded picture, each box of so many pixels as its mean; in strips, so that memory stays small. */
function samples(bitmap: ImageBitmap, by: number): Rgb {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new ImageError("this browser gives no canvas to read pixels from");
  const [columns, rows] = [Math.ceil(width / by), Math.ceil(height / by)];
  const data = new Uint8Array(3 * columns * rows);
  for (let top = 0; top < height; top += STRIP) {
    const lines = Math.min(STRIP, height - top);
    context.fillStyle = "white";
    context.fillRect(0, 0, width, lines);
    context.drawImage(bitmap, 0, -top);
    const strip = { width, height: lines, data: withoutAlpha(context.getImageData(0, 0, width, lines).data) };
    data.set(reduced(strip, by, by).data, (3 * columns * top) / by);
  }
  return { width: columns, height: rows, data };
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}
