// Pipelines for networks without image settings: torchvision's evaluation transform, and unchanged pictures.
import type { Filter } from "../pixels/filters.ts";
import type { Pipeline, Step } from "./pipeline.ts";
import { tablesOf } from "./tables.ts";

/** ImageNet's mean and standard deviation of each channel. */
export const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface ImagenetOptions {
  /** The shorter edge before the crop, in pixels; default 256. Newer torchvision weights use others, such as 232. */
  readonly resize?: number;
  /** The side of the network's square input, in pixels; default 224. */
  readonly crop?: number;
  /** Default: bilinear. */
  readonly filter?: Filter;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** torchvision's `ImageClassification`: resizes the shorter edge, crops the centre, normalises. */
export function imagenetPipeline(options: ImagenetOptions = {}): Pipeline {
  const { resize = 256, crop = 224, filter = "bilinear", mean = imagenet.mean, std = imagenet.std } = options;
  const steps: Step[] = [
    { kind: "resize", to: { shortest: resize }, filter },
    { kind: "crop", width: crop, height: crop, rule: "torchvision" },
  ];
  return { steps, transparency: "drop", values: tablesOf({ factor: 255, isDivision: true, mean, std }) };
}

/** Only normalises. All pictures must have the same size. */
export function plainPipeline(
  mean: readonly number[] = imagenet.mean,
  std: readonly number[] = imagenet.std,
): Pipeline {
  return { steps: [], transparency: "drop", values: tablesOf({ factor: 255, isDivision: true, mean, std }) };
}
