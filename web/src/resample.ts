/**
 * Pictures made smaller exactly as Pillow makes them: bicubic, two passes of 8-bit rounding, after a box filter where
 * the picture is much larger than its square (`Image.resize` with `reducing_gap=2`).
 *
 * A browser's own scaling is another in each browser, and the networks were trained on Pillow's.
 */

/** Samples of an RGB picture, row by row, three bytes a pixel. */
export interface Rgb {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const REDUCING_GAP = 2;
const SUPPORT = 2;
const PRECISION = 22;
// From this ratio of height to width on Pillow makes the rows fewer first.
const VERY_TALL = 100;

/** An RGB picture squashed to a square of so many pixels, uint8 (S, S, 3). */
export function squashed(picture: Rgb, size: number): Uint8Array {
  const [acrossBy, downBy] = [picture.width, picture.height].map((side) => reducingFactor(side, size)) as [
    number,
    number,
  ];
  return resampled(reduced(picture, acrossBy, downBy), size, picture.width / acrossBy, picture.height / downBy);
}

/** By how much a side is divided by averaging before it is resampled. */
export function reducingFactor(side: number, size: number): number {
  return Math.max(1, Math.floor(side / size / REDUCING_GAP));
}

/** Each box of so many pixels as its mean; boxes at the right and the lower edge may be smaller. */
export function reduced(picture: Rgb, acrossBy: number, downBy: number): Rgb {
  if (acrossBy === 1 && downBy === 1) return picture;
  const [width, height] = [Math.ceil(picture.width / acrossBy), Math.ceil(picture.height / downBy)];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const [top, bottom] = [y * downBy, Math.min((y + 1) * downBy, picture.height)];
    for (let x = 0; x < width; x++, at += 3) {
      const [left, right] = [x * acrossBy, Math.min((x + 1) * acrossBy, picture.width)];
      const count = (right - left) * (bottom - top);
      let red = count >> 1;
      let [green, blue] = [red, red];
      for (let row = top; row < bottom; row++) {
        for (let from = 3 * (row * picture.width + left); from < 3 * (row * picture.width + right); from += 3) {
          red += picture.data[from]!;
          green += picture.data[from + 1]!;
          blue += picture.data[from + 2]!;
        }
      }
      // Pillow divides by a multiplication whose factor is a single-precision number cut to an integer.
      const factor = Math.floor(Math.fround(2 ** 32 / Math.fround(256 * count)));
      data[at] = (red * factor) / 2 ** 24;
      data[at + 1] = (green * factor) / 2 ** 24;
      data[at + 2] = (blue * factor) / 2 ** 24;
    }
  }
  return { width, height, data };
}

/** The part of a picture from its upper left corner to (right, lower), made a square of so many pixels. */
function resampled(picture: Rgb, size: number, right: number, lower: number): Uint8Array {
  const across = (from: Rgb): Rgb =>
    size === from.width && right === from.width ? from : resampledAcross(from, filters(from.width, right, size));
  const down = (from: Rgb): Rgb =>
    size === from.height && lower === from.height ? from : resampledDown(from, filters(from.height, lower, size));
  const tall = picture.height > VERY_TALL * picture.width && size < picture.height;
  return (tall ? across(down(picture)) : down(across(picture))).data;
}

/** The weights that make one sample of the result, and the first sample of the source that they are for. */
interface Filter {
  readonly first: number;
  readonly weights: Float64Array;
}

/** For each sample of the result its filter; `end` is where the source ends, perhaps within a sample. */
function filters(length: number, end: number, size: number): Filter[] {
  const scale = Math.fround(end) / size;
  const stretch = Math.max(1, scale);
  const support = SUPPORT * stretch;
  return Array.from({ length: size }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const past = Math.min(length, Math.trunc(centre + support + 0.5));
    const weights = Float64Array.from({ length: past - first }, (_, i) =>
      bicubic((i + first - centre + 0.5) / stretch),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: sum === 0 ? weights : weights.map((weight) => weight / sum) };
  });
}

/** Keys' cubic convolution with a = -0.5. */
function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** Weights as integers: 2^22 is one. */
function integers(filter: Filter): Int32Array {
  return Int32Array.from(filter.weights, (weight) => Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5)));
}

function resampledAcross(picture: Rgb, found: readonly Filter[]): Rgb {
  const data = new Uint8Array(3 * found.length * picture.height);
  found.forEach((filter, x) => {
    const weights = integers(filter);
    for (let y = 0; y < picture.height; y++) {
      const from = 3 * (y * picture.width + filter.first);
      apply(weights, picture.data, from, 3, data, 3 * (y * found.length + x));
    }
  });
  return { width: found.length, height: picture.height, data };
}

function resampledDown(picture: Rgb, found: readonly Filter[]): Rgb {
  const stride = 3 * picture.width;
  const data = new Uint8Array(stride * found.length);
  found.forEach((filter, y) => {
    const weights = integers(filter);
    for (let x = 0; x < stride; x += 3) {
      apply(weights, picture.data, filter.first * stride + x, stride, data, y * stride + x);
    }
  });
  return { width: picture.width, height: found.length, data };
}

function apply(weights: Int32Array, from: Uint8Array, start: number, step: number, to: Uint8Array, at: number): void {
  let red = 1 << (PRECISION - 1);
  let [green, blue] = [red, red];
  for (let i = 0, place = start; i < weights.length; i++, place += step) {
    const weight = weights[i]!;
    red += weight * from[place]!;
    green += weight * from[place + 1]!;
    blue += weight * from[place + 2]!;
  }
  to[at] = clipped(red);
  to[at + 1] = clipped(green);
  to[at + 2] = clipped(blue);
}

function clipped(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION));
}

/** A map of numbers at another resolution, bicubic between the centres of its places, row by row. */
export function upsampled(map: Float32Array, side: number, width: number, height: number): Float32Array {
  const across = filters(side, side, width);
  const down = filters(side, side, height);
  const rows = new Float32Array(side * width);
  for (let y = 0; y < side; y++) {
    across.forEach(({ first, weights }, x) => {
      rows[y * width + x] = weights.reduce((sum, weight, i) => sum + weight * map[y * side + first + i]!, 0);
    });
  }
  const whole = new Float32Array(width * height);
  down.forEach(({ first, weights }, y) => {
    for (let x = 0; x < width; x++) {
      whole[y * width + x] = weights.reduce((sum, weight, i) => sum + weight * rows[(first + i) * width + x]!, 0);
    }
  });
  return whole;
}
