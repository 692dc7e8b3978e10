// timm's ResNets, ResNeXts and wide ResNets (timm/models/resnet.py). A letter after the depth names the stem and
// shortcut: c and s have three 3x3 convolutions before the blocks; d and t also have average pools in the shortcuts.
import type { Config, JsonObject } from "../../config.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { applyResidual, type Residual } from "../vision/residual.ts";
import { pixelsOf, readArguments, taskOf } from "./arguments.ts";
import type { TimmFamily } from "./family.ts";

const basic: Readonly<Record<string, readonly number[]>> = { 10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 34: [3, 4, 6, 3] };
const bottleneck: typeof basic = {
  14: [1, 1, 1, 1],
  26: [2, 2, 2, 2],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
  200: [3, 24, 36, 3],
};

const letters: Readonly<Record<string, JsonObject>> = {
  "": {},
  c: { stem_width: 32, stem_type: "deep" },
  s: { stem_width: 64, stem_type: "deep" },
  d: { stem_width: 32, stem_type: "deep", avg_down: true },
  t: { stem_width: 32, stem_type: "deep_tiered", avg_down: true },
};

const pattern = /^(wide_)?res(net|next)(\d+)([cdst]?)(_2|_(\d+)x(\d+)d)?$/;

/** The settings in a name: resnet50d, wide_resnet50_2, resnext50_32x4d. */
function settingsOf(architecture: string): { isBottleneck: boolean; own: JsonObject } | undefined {
  const [, wide, kind, depth, letter, ending, groups, width] = pattern.exec(architecture) ?? [];
  const layers = basic[depth] ?? bottleneck[depth];
  if (!layers || Boolean(wide) !== (ending === "_2") || (kind === "next") !== (groups !== undefined)) return undefined;
  const widened: JsonObject = wide ? { base_width: 128 } : {};
  const grouped: JsonObject = groups ? { cardinality: Number(groups), base_width: Number(width) } : {};
  return { isBottleneck: depth in bottleneck, own: { layers, ...letters[letter], ...widened, ...grouped } };
}

const known = [
  ...["channels", "layers", "stem_width", "stem_type", "avg_down", "cardinality", "base_width"],
  ...["output_stride", "replace_stem_pool", "block_reduce_first", "down_kernel_size", "act_layer"],
];

function read(config: Config, architecture: string) {
  const { isBottleneck, own } = settingsOf(architecture)!;
  const args = readArguments(config, own, known);
  args.only("global_pool", "avg");
  args.only("output_stride", 32);
  args.only("replace_stem_pool", false);
  args.only("block_reduce_first", 1);
  args.only("down_kernel_size", 1);
  args.only("act_layer", "relu");
  args.only("stem_type", "", "deep", "deep_tiered");
  const channels = args.sizes("channels", [64, 128, 256, 512]);
  const layers = args.sizes("layers", [], channels.length);
  const [groups, base] = [args.size("cardinality", 1), args.size("base_width", 64)];
  if (!isBottleneck && (groups !== 1 || base !== 64))
    throw args.fault("base_width", "is only for networks with bottlenecks");
  const residual: Residual = {
    stem: stemOf(args),
    isBottleneck,
    groups,
    stages: channels.map((planes, s) => ({
      blocks: layers[s],
      inner: isBottleneck ? Math.floor((planes * base) / 64) * groups : planes,
      outer: isBottleneck ? 4 * planes : planes,
    })),
    isPooled: args.flag("avg_down", false),
  };
  const task = taskOf(config, args);
  return tracedNetwork({
    input: pixelsOf(config, args),
    task,
    settings: residual,
    heads: ["fc"],
    build: (modules, { pixel_values }) => applyResidual(residual, modules, pixel_values, task.count),
  });
}

function stemOf(args: Config): readonly number[] {
  const type = args.text("stem_type", "");
  if (type === "") return [64];
  const width = args.size("stem_width", 64);
  return [type === "deep" ? width : 3 * Math.floor(width / 4), width, 2 * width];
}

export const resnet: TimmFamily = {
  title: "resnet*, wide_resnet*, resnext*",
  includes: (architecture) => settingsOf(architecture) !== undefined,
  read,
};
