// Cutting out the middle. transformers and torchvision differ where the rest is odd, and where the picture is smaller and gets a border.
import type { Picture } from "./picture.ts";

/** How the first row and column of a crop are found: transformers rounds down, torchvision and timm to even. */
export type CropRule = "transformers" | "torchvision";

/** Row or column of the picture that a crop begins with; negative for a border. */
function startOf(have: number, want: number, rule: CropRule): number {
  if (rule === "transformers") return Math.floor((have - want) / 2);
  if (have < want) return -Math.floor((want - have) / 2);
  const half = Math.floor((have - want) / 2);
  return (have - want) % 2 === 0 || half % 2 === 0 ? half : half + 1; // Python's round
}

/** The middle of a picture; `border` has a byte for each channel. */
export function cropCentre(
  { width: from, height: rows, channels, pixels }: Picture,
  width: number,
  height: number,
  rule: CropRule,
  border: readonly number[] = [0, 0, 0],
): Picture {
  const [left, top] = [startOf(from, width, rule), startOf(rows, height, rule)];
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, row] = [x + left, y + top];
      const isInside = column >= 0 && column < from && row >= 0 && row < rows;
      for (let c = 0; c < channels; c++)
        out[(y * width + x) * channels + c] = isInside ? pixels[(row * from + column) * channels + c] : border[c];
    }
  return { width, height, channels, pixels: out };
}
