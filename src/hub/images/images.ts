// Image files as samples of a folder's network: prepared as its preprocessor says, with its own labels. A file of weights alone says nothing of images, so
// those of torchvision are prepared as torchvision evaluates its weights.
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
import type { NetworkTask } from "../network.ts";

interface Prepared {
  readonly pipeline: Pipeline;
  readonly note?: string;
}

/** Opens images. Throws {@link UserError} where they cannot be read, or the folders prepare them differently. */
export async function openImages(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  if (dataSources.some((known) => known.name === name))
    throw new UserError(
      `${name} is prepared for the built-in networks, and ${models[0].path} prepares images in its own way. Give the images themselves, such as the folder cifar-10-batches-py.`,
    );
  if (options.context !== undefined)
    throw new UserError(`${models[0].path} reads images, so --context does not apply. Leave it out.`);
  const [first, ...others] = await Promise.all(models.map((model) => prepare(model, options)));
  const unlike = others.findIndex(({ pipeline }) => JSON.stringify(pipeline) !== JSON.stringify(first.pipeline));
  if (unlike >= 0)
    throw new UserError(
      `${models[0].path} and ${models[unlike + 1].path} prepare images differently. Give both the same preprocessor_config.json, or the images as arrays with npz:FILE.`,
    );
  const { split, samples } = options;
  const { task } = models[0].network;
  const labelOf = labelsByName(task);
  const labelNames = [...(task.names?.keys() ?? [])];
  const data = await openPictures(name, { pipeline: first.pipeline, split, samples, labelOf, labelNames });
  return first.note ? { ...data, sha256: data.sha256, notes: [...(data.notes ?? []), first.note] } : data;
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
    const normal = mean || std ? "the statistics that are given" : "ImageNet's statistics";
    return {
      pipeline: imagenetPipeline({ resize, crop, mean, std }),
      note: `The file says nothing of images: their shorter edge is resized to ${resize} pixels, their middle of ${crop}x${crop} is normalised by ${normal}. --size, --mean and --std change that.`,
    };
  }
  if (mean || std || size)
    throw new UserError(
      `${path} says itself how images are prepared, so --mean, --std and --size do not apply. Leave them out.`,
    );
  if (isTimm(config)) return { pipeline: readTimm((config.part("pretrained_cfg") ?? config).keys, config.path) };
  const file = join(folder, "preprocessor_config.json");
  if (existsSync(file)) return { pipeline: readProcessor(await readJson(file), file) };
  const joined = join(folder, "processor_config.json"); // of image and text together
  const inner = existsSync(joined) ? (await readJson(joined)).image_processor : undefined;
  if (typeof inner === "object" && inner !== null && !Array.isArray(inner))
    return { pipeline: readProcessor(inner as Record<string, never>, joined) };
  throw new UserError(
    `${path} has no preprocessor_config.json, so how images are prepared is unknown. Copy it from where the model came from.`,
  );
}

/** The label of a class by its name, whatever its case; undefined where the network's labels have no names. */
function labelsByName({ names }: NetworkTask): ((name: string) => number | undefined) | undefined {
  const own = [...(names ?? [])];
  if (own.length === 0 || own.every(([name]) => /^LABEL_\d+$/i.test(name))) return undefined;
  const lower = new Map(own.map(([name, label]) => [name.toLowerCase(), label]));
  return (name) => names!.get(name) ?? lower.get(name.toLowerCase());
}
