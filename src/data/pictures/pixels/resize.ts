// Resizes exactly like Pillow 13: two passes with bytes between them, or the nearest pixel.
import { type Coefficients, computeCoefficients, type Filter, precisionBits } from "./filters.ts";
import type { Picture } from "./picture.ts";

/** Added to a fixed-point sum for rounding. */
const half = 1 << (precisionBits - 1);

/** Resizes a picture like Pillow's `Image.resize`. */
export function resize(picture: Picture, width: number, height: number, filter: Filter): Picture {
  if (width === picture.width && height === picture.height) return picture;
  if (filter === "nearest") return pickNearest(picture, width, height);
  const hasAlpha = picture.channels % 2 === 0;
  const source = hasAlpha ? multiplyByAlpha(picture) : picture;
  const across = (from: Picture) =>
    from.width === width ? from : resizeRows(from, width, computeCoefficients(filter, from.width, width));
  const down = (from: Picture) =>
    from.height === height ? from : resizeColumns(from, height, computeCoefficients(filter, from.height, height));
  // Pillow 13 starts with the pass that saves more work; earlier versions always start with the rows
  const [saved, other] = [picture.height - height, picture.width - width];
  const isDownFirst = saved > 0 && saved > 2 * other;
  const resized = isDownFirst ? across(down(source)) : down(across(source));
  return hasAlpha ? divideByAlpha(resized) : resized;
}

// Sums fit into 32 bits, as in Pillow: 22-bit coefficients that sum to 1, times bytes.

function resizeRows(from: Picture, width: number, { width: places, first, count, fixed }: Coefficients): Picture {
  const { height, channels, pixels } = from;
  const out = new Uint8Array(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (y * from.width + first[x]) * channels;
      const weights = x * places;
      const end = weights + count[x];
      for (let c = 0; c < channels; c++) {
        let sum = half;
        let pixel = start + c;
        for (let i = weights; i < end; i++, pixel += channels) sum = (sum + Math.imul(pixels[pixel], fixed[i])) | 0;
        out[at++] = toByte(sum);
      }
    }
  }
  return { width, height, channels, pixels: out };
}

function resizeColumns(from: Picture, height: number, { width: places, first, count, fixed }: Coefficients): Picture {
  const { width, channels, pixels } = from;
  const line = width * channels;
  const out = new Uint8Array(line * height);
  const sums = new Int32Array(line);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let i = 0; i < count[y]; i++) {
      const weight = fixed[y * places + i];
      const start = (first[y] + i) * line;
      for (let x = 0; x < line; x++) sums[x] += Math.imul(pixels[start + x], weight);
    }
    for (let x = 0; x < line; x++) out[y * line + x] = toByte(sums[x]);
  }
  return { width, height, channels, pixels: out };
}

function toByte(sum: number): number {
  const value = sum >> precisionBits;
  return Math.max(0, Math.min(value, 255));
}

function pickNearest(from: Picture, width: number, height: number): Picture {
  const { channels, pixels } = from;
  const [columns, rows] = [nearestOf(from.width, width), nearestOf(from.height, height)];
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (rows[y] * from.width + columns[x]) * channels;
      for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = pixels[at + c];
    }
  return { width, height, channels, pixels: out };
}

/** The position is accumulated by addition, as in Pillow, so at integers the sum may be slightly below. */
function nearestOf(from: number, to: number): Int32Array {
  const scale = from / to;
  let position = scale * 0.5;
  return Int32Array.from({ length: to }, () => {
    const index = Math.min(Math.trunc(position), from - 1);
    position += scale;
    return index;
  });
}

const mapColours = (picture: Picture, change: (byte: number, alpha: number) => number): Picture => {
  const { channels, pixels } = picture;
  const out = Uint8Array.from(pixels);
  for (let at = 0; at < pixels.length; at += channels)
    for (let c = 0; c < channels - 1; c++) out[at + c] = change(pixels[at + c], pixels[at + channels - 1]);
  return { ...picture, pixels: out };
};

/** A rounded division by 255, like Pillow's MULDIV255. */
export function multiplyBytes(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

const multiplyByAlpha = (picture: Picture): Picture => mapColours(picture, multiplyBytes);

const divideByAlpha = (picture: Picture): Picture =>
  mapColours(picture, (byte, alpha) =>
    alpha === 0 || alpha === 255 ? byte : Math.min(255, Math.trunc((255 * byte) / alpha)),
  );
