// transformers' preprocessor_config.json as a pipeline. transformers resizes with Pillow or torchvision; layerwise
// computes Pillow's pixels. Source: transformers 5.24, image_processing_backends.py (PilBackend) and
// models/*/image_processing_pil_*.py. Missing and null keys have the class's defaults.
import { listSome, UserError } from "../../../core/index.ts";
import type { Filter } from "../pixels/filters.ts";
import type { Pipeline, Step, Target } from "./pipeline.ts";
import { tablesOf } from "./tables.ts";

type Fields = Readonly<Record<string, unknown>>;

const half = [0.5, 0.5, 0.5];
const clip = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const square = (side: number) => ({ height: side, width: side });

const every = { do_resize: true, do_rescale: true, do_normalize: true, rescale_factor: 1 / 255 };
const plain = { ...every, image_mean: half, image_std: half, default_to_square: true };
const cropped = {
  ...every,
  image_mean: clip.mean,
  image_std: clip.std,
  default_to_square: false,
  resample: 3,
  size: { shortest_edge: 224 },
  do_center_crop: true,
  crop_size: square(224),
  do_convert_rgb: true,
};

/** The defaults of each class. */
const classes: Readonly<Record<string, Fields>> = {
  ViTImageProcessor: { ...plain, resample: 2, size: square(224) },
  DeiTImageProcessor: { ...plain, resample: 3, size: square(256), do_center_crop: true, crop_size: square(224) },
  BitImageProcessor: cropped,
  CLIPImageProcessor: cropped,
  ConvNextImageProcessor: {
    ...plain,
    default_to_square: false,
    resample: 3,
    size: { shortest_edge: 384 },
    crop_pct: 224 / 256,
  },
};

/** Filters by Pillow's numbers. */
const filters: readonly Filter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** Keys that do not affect pixels. */
const harmless = new Set([
  ...["image_processor_type", "feature_extractor_type", "processor_class", "_processor_class", "_valid_processor_keys"],
  ...["auto_map", "data_format", "input_data_format", "return_tensors", "device", "disable_grouping"],
  ...["image_seq_length", "transformers_version", "pad_size"],
]);

/**
 * Reads the pipeline from a preprocessor_config.json; `where` is its path. Throws {@link UserError} for unsupported
 * settings.
 */
export function readProcessor(config: Fields, where: string): Pipeline {
  const type = typeOf(config, where);
  const fields: Fields = {
    ...classes[type],
    ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)),
  };
  const known = new Set([...Object.keys(cropped), ...Object.keys(classes[type]), ...harmless]);
  const unknown = Object.keys(fields).filter((key) => !known.has(key) && fields[key] !== false);
  if (unknown.length)
    throw new UserError(
      `${where} has ${listSome(unknown)}, which is not supported for ${type}. Remove keys that do not affect pixels, or give the images as arrays with npz:FILE.`,
    );
  const read = { fields, where };
  const steps = stepsOf(type, read);
  return {
    steps,
    transparency: isOn(read, "do_convert_rgb") ? "white" : "drop",
    values: tablesOf({
      factor: isOn(read, "do_rescale") ? numberOf(read, "rescale_factor") : undefined,
      ...(isOn(read, "do_normalize")
        ? { mean: channelsOf(read, "image_mean"), std: channelsOf(read, "image_std") }
        : {}),
    }),
  };
}

interface Read {
  readonly fields: Fields;
  readonly where: string;
}

/** The class without the suffix of a backend. Version 4 also called processors feature extractors. */
function typeOf({ image_processor_type, feature_extractor_type }: Fields, where: string): string {
  const named = image_processor_type ?? feature_extractor_type;
  if (typeof named !== "string")
    throw new UserError(
      `${where} does not name its image_processor_type. Save the processor again with transformers, or add the key.`,
    );
  const type = named.replace(/(Fast|Pil)$/, "").replace(/FeatureExtractor$/, "ImageProcessor");
  if (type in classes) return type;
  throw new UserError(
    `${where}: the processor ${named} is not supported (supported are ${listSome(Object.keys(classes), 10)}). Give the images as arrays with npz:FILE.`,
  );
}

function stepsOf(type: string, read: Read): Step[] {
  const steps: Step[] = [];
  if (isOn(read, "do_resize"))
    steps.push(...(type === "ConvNextImageProcessor" ? resizeAndCrop(read) : [resizeTo(read)]));
  if (isOn(read, "do_center_crop")) {
    const { height, width } = sizeOf(read, "crop_size", true);
    if (height === undefined || width === undefined) throw faultOf(read, "crop_size", "a height and a width");
    steps.push({ kind: "crop", height, width, rule: "transformers" });
  }
  return steps;
}

function resizeTo(read: Read): Step {
  const { shortest_edge, height, width, ...rest } = sizeOf(read, "size", isOn(read, "default_to_square"));
  const isLone = Object.keys(rest).length === 0;
  if (isLone && shortest_edge !== undefined)
    return { kind: "resize", to: { shortest: shortest_edge }, filter: filterOf(read) };
  if (isLone && height !== undefined && width !== undefined)
    return { kind: "resize", to: { height, width }, filter: filterOf(read) };
  throw faultOf(read, "size", "a height and a width, or a shortest_edge");
}

/** ConvNeXT: below 384 pixels, a larger resize and a crop; from 384 on, the whole picture is squashed. */
function resizeAndCrop(read: Read): Step[] {
  const { shortest_edge: edge } = sizeOf(read, "size", false);
  if (edge === undefined) throw faultOf(read, "size", "a shortest_edge");
  const filter = filterOf(read);
  const to: Target = edge < 384 ? { shortest: Math.trunc(edge / numberOf(read, "crop_pct")) } : square(edge);
  const resize: Step = { kind: "resize", to, filter };
  return edge < 384 ? [resize, { kind: "crop", ...square(edge), rule: "transformers" }] : [resize];
}

/** Reads a size as transformers does: a number is a square or the shortest edge, a list is height and width. */
function sizeOf(read: Read, key: string, isSquare: boolean): Readonly<Record<string, number | undefined>> {
  const value = read.fields[key];
  const isCount = (one: unknown): one is number => Number.isInteger(one) && (one as number) > 0;
  if (isCount(value)) return isSquare ? square(value) : { shortest_edge: value };
  if (Array.isArray(value) && value.length === 2 && value.every(isCount)) return { height: value[0], width: value[1] };
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw faultOf(read, key, "a size");
  const given = Object.entries(value).filter(([, one]) => one !== null);
  if (!given.every(([, one]) => isCount(one))) throw faultOf(read, key, "positive integers");
  return Object.fromEntries(given);
}

function filterOf(read: Read): Filter {
  const filter = filters[read.fields.resample as number];
  if (!filter) throw faultOf(read, "resample", "0 to 5");
  return filter;
}

function isOn(read: Read, key: string): boolean {
  const value = read.fields[key] ?? false;
  if (typeof value !== "boolean") throw faultOf(read, key, "true or false");
  return value;
}

function numberOf(read: Read, key: string): number {
  const value = read.fields[key];
  if (typeof value !== "number" || !(value > 0)) throw faultOf(read, key, "a number above 0");
  return value;
}

/** A number for each channel, or one for all. */
function channelsOf(read: Read, key: string): readonly number[] {
  const value = read.fields[key];
  const list = typeof value === "number" ? [value, value, value] : value;
  const isUsable = (one: unknown) => typeof one === "number" && (key !== "image_std" || one > 0);
  if (!Array.isArray(list) || list.length !== 3 || !list.every(isUsable)) throw faultOf(read, key, "three numbers");
  return list;
}

const faultOf = ({ fields, where }: Read, key: string, expected: string): UserError =>
  new UserError(
    `${where}: ${key} is ${JSON.stringify(fields[key])}, but must be ${expected}. Correct it, or give the images as arrays with npz:FILE.`,
  );
