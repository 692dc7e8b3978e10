// Tiny image classifiers for tests: transformers' ViTs in folders, and torchvision's ResNets in weight files.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Tensor, tensor } from "../src/core/index.ts";
import { Config, type JsonObject } from "../src/hub/config.ts";
import { vit } from "../src/hub/families/vision/vit.ts";
import type { Parameter } from "../src/models/index.ts";
import { writeTensors } from "./checkpoints.ts";
import { randomTensor } from "./onnx-graphs.ts";

/** A ViT with two blocks, for images of 8 x 8 and three classes. */
export const tinyVit: JsonObject = {
  architectures: ["ViTForImageClassification"],
  model_type: "vit",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  image_size: 8,
  patch_size: 4,
  id2label: { 0: "cat", 1: "dog", 2: "ship" },
};

/** CLIP's vision tower with two blocks, for images of 8 x 8. */
export const tinyClip: JsonObject = {
  architectures: ["CLIPVisionModelWithProjection"],
  model_type: "clip_vision_model",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  image_size: 8,
  patch_size: 4,
  projection_dim: 8,
};

/** A processor for images of 8 x 8. */
export const tinyProcessor: JsonObject = {
  image_processor_type: "ViTImageProcessor",
  do_resize: true,
  size: { height: 8, width: 8 },
  resample: 2,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

const weightsOf = (parameters: readonly Pick<Parameter, "name" | "shape">[], seed: number): Map<string, Tensor> =>
  new Map(parameters.map(({ name, shape }) => [name, randomTensor(`${seed} ${name}`, shape, -0.5, 0.5)]));

/** Writes a ViT's folder with weights from a seed; `rename` gives the names in the file. Returns its path. */
export async function writeVit(
  path: string,
  seed: number,
  config: JsonObject = tinyVit,
  rename: (name: string) => string = (name) => name,
): Promise<string> {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  writeFileSync(join(path, "preprocessor_config.json"), JSON.stringify(tinyProcessor));
  const { parameters } = vit.read(new Config(path, config));
  const tensors = new Map([...weightsOf(parameters, seed)].map(([name, one]) => [rename(name), one]));
  await writeTensors(join(path, "model.safetensors"), "safetensors", tensors);
  return path;
}

/** The tensors of torchvision's resnet18 at a sixteenth of its width, with three classes; older files lack counters. */
export function tinyResNet(seed: number, { hasCounters = true, kernel = 7 } = {}): Map<string, Tensor> {
  const found: { name: string; shape: readonly number[] }[] = [];
  const norm = (name: string, width: number) => {
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      found.push({ name: `${name}.${part}`, shape: [width] });
    if (hasCounters) found.push({ name: `${name}.num_batches_tracked`, shape: [] });
  };
  const conv = (name: string, shape: readonly number[]) => found.push({ name: `${name}.weight`, shape });
  conv("conv1", [4, 3, kernel, kernel]);
  norm("bn1", 4);
  let inner = 4;
  for (const [s, width] of [4, 8, 16, 32].entries())
    for (const i of [0, 1]) {
      const own = `layer${s + 1}.${i}`;
      conv(`${own}.conv1`, [width, inner, 3, 3]);
      norm(`${own}.bn1`, width);
      conv(`${own}.conv2`, [width, width, 3, 3]);
      norm(`${own}.bn2`, width);
      if (inner !== width) {
        conv(`${own}.downsample.0`, [width, inner, 1, 1]);
        norm(`${own}.downsample.1`, width);
      }
      inner = width;
    }
  found.push({ name: "fc.weight", shape: [3, 32] }, { name: "fc.bias", shape: [3] });
  const positive = (one: Tensor) => ({ ...one, data: (one.data as Float32Array).map((x) => 0.6 + Math.abs(x)) });
  return new Map(
    [...weightsOf(found, seed)].map(([name, one]) => {
      if (name.endsWith("num_batches_tracked")) return [name, tensor("int64", [], [7n])];
      return [name, /running_var$|(bn\d|downsample\.1)\.weight$/.test(name) ? (positive(one) as Tensor) : one];
    }),
  );
}

/** Writes an array in numpy's format. */
export function writeNpy(path: string, type: string, shape: readonly number[], bytes: Uint8Array): void {
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${sizes}, }`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(`${header.padEnd(117)}\n`, "latin1"), bytes]));
}

/** Writes two images of 8 x 8 into a folder, with labels 2 and 0, and returns their bytes. */
export function writePhotos(folder: string): Uint8Array {
  const bytes = Uint8Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => (i * 37) % 256);
  writeNpy(join(folder, "images.npy"), "|u1", [2, 8, 8, 3], bytes);
  writeNpy(join(folder, "labels.npy"), "|u1", [2], Uint8Array.of(2, 0));
  return bytes;
}
