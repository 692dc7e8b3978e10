// Crops the centre. transformers and torchvision differ if the margin is odd, or if the picture is smaller and gets a
// border.
import type { Picture } from "./picture.ts";

/** The rounding of the first row and column of a crop: transformers rounds down, torchvision and timm to even. */
export type CropRule = "transformers" | "torchvision";

/** The first row or column of a crop; negative for a border. */
function startOf(have: number, want: number, rule: CropRule): number {
  if (rule === "transformers") return Math.floor((have - want) / 2);
  if (have < want) return -Math.floor((want - have) / 2);
  const half = Math.floor((have - want) / 2);
  return (have - want) % 2 === 0 || half % 2 === 0 ? half : half + 1; // Python's round
}

/** Crops the centre of a picture; `border` has a byte for each channel. */
export function cropCentre(
  { width: from, height: rows, channels, pixels }: Picture,
  width: number,
  height: number,
  rule: CropRule,
  border: readonly number[] = [0, 0, 0],
): Picture {
  const [left, top] = [startOf(from, width, rule), startOf(rows, height, rule)];
  const out = new Uint8Array(width * height * channels);
  const [begin, end] = [Math.max(0, -left), Math.min(width, from - left)];
  if (border.some((byte) => byte > 0)) for (let i = 0; i < out.length; i++) out[i] = border[i % channels];
  for (let y = Math.max(0, -top); y < Math.min(height, rows - top); y++) {
    const row = (y + top) * from + left;
    out.set(pixels.subarray((row + begin) * channels, (row + end) * channels), (y * width + begin) * channels);
  }
  return { width, height, channels, pixels: out };
}
