// timm's evaluation transform, from pretrained_cfg, as a pipeline. Source: timm 1.0.31, data/config.py
// (defaults) and data/transforms_factory.py (transforms_imagenet_eval). By default timm does not use test_input_size
// and test_crop_pct.
import { UserError } from "../../../core/index.ts";
import type { Filter } from "../pixels/filters.ts";
import { imagenet } from "./imagenet.ts";
import { type Pipeline, roundEven, type Step, type Target } from "./pipeline.ts";
import { tablesOf } from "./tables.ts";

type Fields = Readonly<Record<string, unknown>>;

const filters: readonly Filter[] = ["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"];

const defaults = {
  input_size: [3, 224, 224],
  interpolation: "bicubic",
  crop_pct: 0.875,
  crop_mode: "center",
  mean: imagenet.mean,
  std: imagenet.std,
};

/**
 * Reads the pipeline from a folder's `pretrained_cfg`; `where` is the path of its config.json. Throws {@link UserError}
 * for unsupported settings.
 */
export function readTimm(config: Fields, where: string): Pipeline {
  const fields: Fields = {
    ...defaults,
    ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)),
  };
  const faultOf = (key: string, expected: string) =>
    new UserError(
      `${where}: ${key} in pretrained_cfg is ${JSON.stringify(fields[key])}, but must be ${expected}. Correct it, or give the images as arrays with npz:FILE.`,
    );
  const three = (key: string, isRight: (value: number) => boolean): readonly number[] => {
    const list = fields[key];
    if (Array.isArray(list) && list.length === 3 && list.every((one) => typeof one === "number" && isRight(one)))
      return list;
    throw faultOf(key, "three numbers");
  };
  const [channels, height, width] = three("input_size", (n) => Number.isInteger(n) && n > 0);
  if (channels !== 3) throw faultOf("input_size", "[3, height, width]");
  const { crop_pct: part, crop_mode: mode } = fields;
  if (typeof part !== "number" || !(part > 0)) throw faultOf("crop_pct", "a number above 0");
  const filter = filters.find((known) => known === fields.interpolation);
  if (!filter) throw faultOf("interpolation", filters.join(", "));
  const [mean, std] = [three("mean", () => true), three("std", (n) => n > 0)];
  const larger = { width: Math.floor(width / part), height: Math.floor(height / part) };
  const to = targetOf(mode, larger) ?? raise(faultOf("crop_mode", "center, squash or border"));
  const border = mode === "border" ? { border: mean.map((m) => roundEven(255 * m)) } : {};
  const steps: Step[] = [
    { kind: "resize", to, filter },
    { kind: "crop", width, height, rule: "torchvision", ...border },
  ];
  return { steps, transparency: "drop", values: tablesOf({ factor: 255, isDivision: true, mean, std }) };
}

function targetOf(mode: unknown, size: { width: number; height: number }): Target | undefined {
  if (mode === "squash") return size;
  if (mode === "border") return { box: size, fit: "inside" };
  if (mode !== "center") return undefined;
  return size.width === size.height ? { shortest: size.width } : { box: size, fit: "over" };
}

function raise(error: Error): never {
  throw error;
}
