// Image files as samples for a folder's network: prepared by its preprocessor settings, with its own labels. A weight
// file without a folder lacks these settings, so images for torchvision's networks are prepared as in torchvision's
// evaluation.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../core/index.ts";
import {
  type DataOptions,
  type Dataset,
  dataSources,
  imagenetPipeline,
  openPictures,
  type Pipeline,
  readProcessor,
  readTimm,
} from "../../data/index.ts";
import { isTimm } from "../families/timm/index.ts";
import type { ModelFolder } from "../folder.ts";
import { readJson } from "../json.ts";
import { findByName } from "../network.ts";

interface Prepared {
  readonly pipeline: Pipeline;
  readonly notes?: readonly string[];
}

/** Opens images. Throws {@link UserError} if they cannot be read, or if the folders prepare them differently. */
export async function openImages(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  if (dataSources.some((known) => known.name === name))
    throw new UserError(
      `${name} is prepared for the built-in networks, but ${models[0].path} prepares images in its own way. Give the original images, such as the folder cifar-10-batches-py.`,
    );
  if (options.context !== undefined)
    throw new UserError(`${models[0].path} reads images, so --context does not apply. Omit it.`);
  const [first, ...others] = await Promise.all(models.map((model) => prepare(model, options)));
  const unlike = others.findIndex(({ pipeline }) => JSON.stringify(pipeline) !== JSON.stringify(first.pipeline));
  if (unlike >= 0)
    throw new UserError(
      `${models[0].path} and ${models[unlike + 1].path} prepare images differently. Give both folders the same preprocessor_config.json, or give the images as arrays with npz:FILE.`,
    );
  const { split, samples } = options;
  const { pipeline, notes } = first;
  return openPictures(name, { pipeline, split, samples, notes, ...findByName(models[0].network.task) });
}

async function prepare(
  { path, folder, config, network, stateDict }: ModelFolder,
  options: DataOptions,
): Promise<Prepared> {
  const { mean, std, size } = options;
  if (stateDict) {
    const { input } = network;
    const own = input.kind === "pixels" ? input.height : 224;
    const crop = size ?? own;
    const resize = crop === 224 ? 256 : crop;
    const normal = mean || std ? "--mean and --std" : "ImageNet's mean and standard deviation";
    return {
      pipeline: imagenetPipeline({ resize, crop, mean, std }),
      notes: [
        `A weight file has no image settings: the shorter edge is resized to ${resize} pixels, and the central ${crop}x${crop} are normalised by ${normal}. Change this with --size, --mean and --std.`,
      ],
    };
  }
  if (mean || std || size)
    throw new UserError(`${path} has its own image settings, so --mean, --std and --size do not apply. Omit them.`);
  if (isTimm(config)) return { pipeline: readTimm((config.part("pretrained_cfg") ?? config).keys, config.path) };
  const file = join(folder, "preprocessor_config.json");
  if (existsSync(file)) return { pipeline: readProcessor(await readJson(file), file) };
  const joined = join(folder, "processor_config.json"); // for images and texts together
  const inner = existsSync(joined) ? (await readJson(joined)).image_processor : undefined;
  if (typeof inner === "object" && inner !== null && !Array.isArray(inner))
    return { pipeline: readProcessor(inner as Record<string, never>, joined) };
  throw new UserError(
    `${path} has no preprocessor_config.json, so the image settings are unknown. Copy it from where the model came from.`,
  );
}
