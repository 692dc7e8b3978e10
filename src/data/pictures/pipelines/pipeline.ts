// From a picture to a network's input: steps on bytes, then a table with the value of each byte of a channel.
import { type CropRule, cropCentre } from "../pixels/crop.ts";
import type { Filter } from "../pixels/filters.ts";
import { type Picture, type Transparency, toRgb } from "../pixels/picture.ts";
import { resize } from "../pixels/resize.ts";

/**
 * The size to resize to: a fixed size, a length of the shorter edge, or the largest size inside a box (`inside`), or
 * the smallest that covers it (`over`).
 */
export type Target =
  | { readonly width: number; readonly height: number }
  | { readonly shortest: number }
  | { readonly box: { readonly width: number; readonly height: number }; readonly fit: "inside" | "over" };

export type Step =
  | { readonly kind: "resize"; readonly to: Target; readonly filter: Filter }
  | {
      readonly kind: "crop";
      readonly width: number;
      readonly height: number;
      readonly rule: CropRule;
      /** Colour of the border if the picture is smaller; default black. */
      readonly border?: readonly number[];
    };

export interface Pipeline {
  readonly steps: readonly Step[];
  readonly transparency: Transparency;
  /** 256 values for each channel: those of the bytes of red, green and blue. */
  readonly values: readonly Float32Array[];
}

/** Height and width of every result; undefined if they depend on the picture. */
export function outputSize({ steps }: Pipeline): readonly [number, number] | undefined {
  const last = steps.at(-1);
  if (last?.kind === "crop") return [last.height, last.width];
  return last && "width" in last.to ? [last.to.height, last.to.width] : undefined;
}

/** The bytes of the network's input, [H, W, 3]. Throws RangeError for a picture so narrow that nothing would remain. */
export function shapePicture(
  picture: Picture,
  { steps, transparency }: Pick<Pipeline, "steps" | "transparency">,
): Picture {
  return steps.reduce(
    (current, step) => {
      if (step.kind === "crop") return cropCentre(current, step.width, step.height, step.rule, step.border);
      const [width, height] = targetOf(step.to, current);
      if (width === 0 || height === 0) throw new RangeError(`${width}x${height} pixels`);
      return resize(current, width, height, step.filter);
    },
    toRgb(picture, transparency),
  );
}

function targetOf(to: Target, { width, height }: Picture): readonly [number, number] {
  if ("width" in to) return [to.width, to.height];
  if ("shortest" in to) {
    const { shortest } = to;
    const other = (long: number, short: number) => Math.trunc((shortest * long) / short);
    return width <= height ? [shortest, other(height, width)] : [other(width, height), shortest];
  }
  const ratios = [height / to.box.height, width / to.box.width];
  const ratio = to.fit === "inside" ? Math.max(...ratios) : Math.min(...ratios);
  return [roundEven(width / ratio), roundEven(height / ratio)];
}

/** Python's `round`. */
export function roundEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

/** Writes a shaped picture as planes of red, green and blue. */
export function normalise({ width, height, pixels }: Picture, { values }: Pipeline, out: Float32Array): void {
  const plane = width * height;
  for (let c = 0; c < 3; c++) {
    const table = values[c];
    for (let i = 0; i < plane; i++) out[c * plane + i] = table[pixels[3 * i + c]];
  }
}
