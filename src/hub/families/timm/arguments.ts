// The arguments of the function that builds a timm network, from its folder's config.json: the architecture's settings,
// overridden by `model_args`, with `pretrained_cfg` as the fallback, as in timm.
import { Config, isNumber, type Json, type JsonObject } from "../../config.ts";
import type { NetworkTask, PixelInput } from "../../network.ts";

/** Arguments that matter only in training, or only to the creation of a network. */
const harmless = [
  "attn_drop_rate",
  "drop_block_rate",
  "drop_path_rate",
  "drop_rate",
  "dynamic_img_pad",
  "dynamic_img_size",
  "fix_init",
  "head_init_scale",
  "patch_drop_rate",
  "pos_drop_rate",
  "pretrained",
  "proj_drop_rate",
  "weight_init",
  "zero_init_last",
];

const shared = ["num_classes", "global_pool", "in_chans"];

/**
 * The arguments, by timm's names. `own` are the architecture's settings, `known` the other arguments that the family
 * reads.
 * @throws {UserError} for an argument that the family does not read and that could change results
 */
export function readArguments(config: Config, own: JsonObject, known: readonly string[]): Config {
  const given = config.part("model_args") ?? new Config(config.path, {}, "model_args.");
  const handled = new Set([...Object.keys(own), ...known, ...harmless, ...shared]);
  const other = Object.keys(given.keys).find((key) => !handled.has(key) && !isOff(given.keys[key]));
  if (other !== undefined) throw given.unsupported(other, "is an argument that layerwise does not evaluate");
  return given.with({ ...fromPretrained(config), ...own, ...given.keys });
}

const isOff = (value: Json): boolean => value === null || value === false;

function fromPretrained(config: Config): JsonObject {
  const { keys } = config.part("pretrained_cfg") ?? config;
  const classes = config.keys.num_classes ?? keys.num_classes ?? null;
  const size = sizeOf(config);
  return {
    ...(isNumber(classes) && classes >= 0 ? { num_classes: classes } : {}),
    ...(keys.global_pool ? { global_pool: keys.global_pool } : {}),
    ...(size ? { in_chans: size[0] } : {}),
    ...(size && keys.fixed_input_size === true ? { img_size: size.slice(1) } : {}),
  };
}

/** `input_size` of `pretrained_cfg`: channels, height, width. */
function sizeOf(config: Config): readonly number[] | undefined {
  const pretrained = config.part("pretrained_cfg") ?? config;
  return pretrained.has("input_size") ? pretrained.sizes("input_size", [], 3) : undefined;
}

/** The input: images of the size that the network was trained on. */
export function pixelsOf(config: Config, args: Config): PixelInput {
  const [, height, width] = sizeOf(config) ?? [3, 224, 224];
  return { kind: "pixels", channels: args.size("in_chans", 3), height, width };
}

/** The task: classes, named by `label_names` if given. */
export function taskOf(config: Config, args: Config): NetworkTask {
  const count = args.size("num_classes", 1000);
  const names = config.keys.label_names ?? config.part("pretrained_cfg")?.keys.label_names;
  if (!Array.isArray(names) || names.length !== count) return { kind: "classes", count };
  return { kind: "classes", count, names: new Map(names.map((name, i) => [String(name), i])) };
}
