// Pipelines for networks whose files say nothing of images: torchvision's evaluation transform, and pictures as they are.
import type { Filter } from "../pixels/filters.ts";
import type { Pipeline, Step } from "./pipeline.ts";
import { tablesOf } from "./tables.ts";

/** Channel statistics of ImageNet. */
export const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface ImagenetOptions {
  /** Pixels of the shorter edge before the crop; default 256. Newer weights of torchvision have others, such as 232. */
  readonly resize?: number;
  /** Pixels of a side of the square that the network sees; default 224. */
  readonly crop?: number;
  /** Default bilinear. */
  readonly filter?: Filter;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** torchvision's `ImageClassification`: resize the shorter edge, crop the middle, normalise. */
export function imagenetPipeline(options: ImagenetOptions = {}): Pipeline {
  const { resize = 256, crop = 224, filter = "bilinear", mean = imagenet.mean, std = imagenet.std } = options;
  const steps: Step[] = [
    { kind: "resize", to: { shortest: resize }, filter },
    { kind: "crop", width: crop, height: crop, rule: "torchvision" },
  ];
  return { steps, transparency: "drop", values: tablesOf({ factor: 255, isDivision: true, mean, std }) };
}

/** Pictures at their own size, which must be one size for all: only normalised. */
export function plainPipeline(
  mean: readonly number[] = imagenet.mean,
  std: readonly number[] = imagenet.std,
): Pipeline {
  return { steps: [], transparency: "drop", values: tablesOf({ factor: 255, isDivision: true, mean, std }) };
}
