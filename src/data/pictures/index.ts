// Images in common forms: a folder for each class, hub data sets in parquet, CIFAR's pickles, MNIST's idx files,
// arrays. They are decoded, shaped and normalised by the settings in the network's folder, with the same pixels as
// Pillow.
import { existsSync } from "node:fs";
import { UserError } from "../../core/index.ts";
import type { Split } from "../dataset.ts";
import { tooFewSamples } from "../too-few.ts";
import { type PictureDataset, type PictureOptions, pictureDataset } from "./dataset.ts";
import { isArrays, openArrays } from "./sources/arrays.ts";
import { isCifar, openCifar } from "./sources/cifar.ts";
import { hasImages, isClassFolders, openClassFolders, withoutClasses } from "./sources/class-folders.ts";
import { isHub, isParquet, openHub } from "./sources/hub.ts";
import { isIdx, openIdx } from "./sources/idx.ts";
import type { PictureSource, SourceRequest } from "./sources/source.ts";

export type { PictureDataset, PictureOptions } from "./dataset.ts";
export { imagenetPipeline, plainPipeline } from "./pipelines/imagenet.ts";
export type { Pipeline } from "./pipelines/pipeline.ts";
export { readProcessor } from "./pipelines/processor.ts";
export { readTimm } from "./pipelines/timm.ts";

export { isCifar, readCifar } from "./sources/cifar.ts";

interface Kind {
  /** A quick check whether a path is of this kind. */
  is(path: string): boolean | Promise<boolean>;
  open(path: string, request: SourceRequest): Promise<PictureSource>;
}

const hub: Kind = { is: isHub, open: openHub };

const kinds: readonly Kind[] = [
  hub,
  { is: isCifar, open: openCifar },
  { is: isIdx, open: openIdx },
  { is: isArrays, open: openArrays },
  { is: isClassFolders, open: openClassFolders },
];

async function kindOf(path: string): Promise<Kind | undefined> {
  for (const kind of kinds) if (await kind.is(path)) return kind;
  return undefined;
}

/** True for paths that {@link openPictures} can open. */
export const isPictures = async (path: string): Promise<boolean> => (await kindOf(path)) !== undefined;

export interface OpenPictures extends PictureOptions {
  /** Default: test, else valid, else train. */
  readonly split?: Split;
  /** Number of pictures, from the start; default all. */
  readonly samples?: number;
}

/**
 * Opens labelled images as samples of a network: float32 [3, H, W] under the input's name, with a class for each. An
 * image is decoded when a batch needs it. Throws {@link UserError} if the path is of an unknown kind, or if a class has
 * no images or no label of the network.
 */
export async function openPictures(path: string, options: OpenPictures): Promise<PictureDataset> {
  if (!existsSync(path)) throw new UserError(`${path} does not exist. Check the path of the images.`);
  const kind = (await kindOf(path)) ?? (isParquet(path) ? hub : undefined);
  if (!kind && hasImages(path)) throw withoutClasses(path);
  if (!kind)
    throw new UserError(
      `${path} contains no supported images. Give a folder with a subfolder for each class, a hub data set in parquet, CIFAR's or MNIST's files, or images.npy with labels.npy.`,
    );
  const { split, samples } = options;
  const source = await kind.open(path, { split, samples });
  const have = source.labels.length;
  if (have === 0) throw new UserError(`${path} contains no images. Add some, or choose another split.`);
  if (samples !== undefined && samples > have) throw tooFewSamples(`${path} contains ${have} images`, samples);
  return pictureDataset(path, source, samples ?? have, options);
}
