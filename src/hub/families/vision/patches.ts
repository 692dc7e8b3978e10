// Images as tokens: each patch is projected; learned tokens, such as a class token, come first.
import { concat, expand, reduceMean, reshape, slice, transpose, type Value } from "../../../graph/index.ts";
import type { Config } from "../../config.ts";
import type { PixelInput } from "../../network.ts";
import type { Modules } from "../../traced/modules.ts";

/** The division of images into patches. */
export interface Patches {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The side of a patch. */
  readonly side: number;
}

/** Reads `num_channels`, `image_size` and `patch_size`; the last two are a number or a pair. */
export function readPatches(config: Config, imageSize: number, patchSize: number): Patches {
  const [height, width] = sides(config, "image_size", imageSize);
  const [side, other] = sides(config, "patch_size", patchSize);
  if (side !== other) throw config.unsupported("patch_size", `is ${side}x${other}; layerwise evaluates square patches`);
  return { channels: config.size("num_channels", 3), height, width, side };
}

/** A size, or a pair of them. */
export function sides(config: Config, key: string, absent: number): readonly [number, number] {
  const value = config.keys[key];
  if (!Array.isArray(value)) return [config.size(key, absent), config.size(key, absent)];
  const [height, width, ...more] = value;
  const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) > 0;
  if (isSize(height) && isSize(width) && more.length === 0) return [height, width];
  throw config.fault(key, `is ${JSON.stringify(value)}, not a height and a width`);
}

/** The number of patches of an image. */
export const countPatches = ({ height, width, side }: Patches): number =>
  Math.floor(height / side) * Math.floor(width / side);

export const pixelsOf = ({ channels, height, width }: Patches): PixelInput => ({
  kind: "pixels",
  channels,
  height,
  width,
});

/** Images [n, channels, h, w] as tokens [n, patches, width], by the convolution `name`. */
export function patchTokens(
  modules: Modules,
  name: string,
  pixels: Value,
  width: number,
  side: number,
  hasBias = true,
) {
  const grid = modules.conv(name, pixels, width, { kernel: side, hasBias });
  return transpose(reshape(grid, [pixels.shape[0], width, -1]), [0, 2, 1]);
}

/** Puts learned tokens, the same for all samples, before tokens [n, T, width]. */
export function withTokens(own: readonly Value[], tokens: Value): Value {
  const [n, , width] = tokens.shape;
  const rows = own.map((one) => reshape(one, [1, -1, width]));
  return concat([...rows.map((one) => expand(one, [n, one.shape[1], width])), tokens], 1);
}

/** The token at an index, [n, width]. */
export function tokenAt(x: Value, at: number): Value {
  const [n, , width] = x.shape;
  return reshape(slice(x, 1, at, at + 1), [n, width]);
}

/** The mean of the tokens from an index on, [n, width]. */
export const meanFrom = (x: Value, start: number): Value => reduceMean(slice(x, 1, start, x.shape[1]), [1]);
