// timm's ConvNeXts (timm/models/convnext.py). Smaller ones have 1x1 convolutions in place of linear layers.
import { globalAveragePool, reduceMean, reshape, type Value } from "../../../graph/index.ts";
import type { Config, JsonObject } from "../../config.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { readActivation } from "../family.ts";
import { applyConvNextBlock, normChannels } from "../vision/convnext-block.ts";
import { pixelsOf, readArguments, taskOf } from "./arguments.ts";
import type { TimmFamily } from "./family.ts";

const doubling = (width: number, depths: readonly number[]): JsonObject => ({
  dims: [1, 2, 4, 8].map((n) => n * width),
  depths,
});
const small = (width: number, third = 6): JsonObject => ({ ...doubling(width, [2, 2, third, 2]), conv_mlp: true });

const architectures: Readonly<Record<string, JsonObject>> = {
  convnext_atto: small(40),
  convnext_femto: small(48),
  convnext_pico: small(64),
  convnext_nano: small(80, 8),
  convnext_tiny: doubling(96, [3, 3, 9, 3]),
  convnext_tiny_hnf: { ...doubling(96, [3, 3, 9, 3]), head_norm_first: true, conv_mlp: true },
  convnext_small: doubling(96, [3, 3, 27, 3]),
  convnext_base: doubling(128, [3, 3, 27, 3]),
  convnext_large: doubling(192, [3, 3, 27, 3]),
  convnext_xlarge: doubling(256, [3, 3, 27, 3]),
  convnext_xxlarge: { ...doubling(384, [3, 4, 30, 3]), norm_eps: 1e-5 },
};

const known = [
  ...["ls_init_value", "patch_size", "head_norm_first", "conv_mlp", "norm_eps", "act_layer"],
  ...["output_stride", "kernel_sizes", "stem_type", "conv_bias"],
];

const names = { scale: "gamma", depthwise: "conv_dw", norm: "norm", up: "mlp.fc1", down: "mlp.fc2" };

type ConvNext = ReturnType<typeof readConvNext>;

function readConvNext(args: Config) {
  args.only("global_pool", "avg");
  args.only("output_stride", 32);
  args.only("kernel_sizes", 7);
  args.only("stem_type", "patch");
  args.only("conv_bias", true);
  return {
    dims: args.sizes("dims", [], 4),
    depths: args.sizes("depths", [], 4),
    patch: args.size("patch_size", 4),
    isScaled: args.keys.ls_init_value !== null,
    isNormedFirst: args.flag("head_norm_first", false),
    isConvolved: args.flag("conv_mlp", false),
    epsilon: args.number("norm_eps", 1e-6),
    activation: readActivation(args, "act_layer", "gelu"),
  };
}

function encode(own: ConvNext, modules: Modules, pixels: Value): Value {
  const { dims, depths, patch, epsilon, activation, isConvolved } = own;
  let x = normChannels(modules, "stem.1", modules.conv("stem.0", pixels, dims[0], { kernel: patch }), epsilon);
  for (const [s, out] of dims.entries()) {
    const stage = modules.within(`stages.${s}`);
    if (s > 0 || patch === 2)
      x = stage.conv("downsample.1", normChannels(stage, "downsample.0", x, epsilon), out, { kernel: 2 });
    const scaleShape = own.isScaled ? [out] : undefined;
    for (let i = 0; i < depths[s]; i++)
      x = applyConvNextBlock(stage.within(`blocks.${i}`), x, { names, activation, epsilon, scaleShape, isConvolved });
  }
  return x;
}

/** The mean over the pixels, with the norm before or after it. */
function pool({ isNormedFirst, epsilon }: ConvNext, modules: Modules, x: Value): Value {
  if (!isNormedFirst) return modules.layerNorm("head.norm", reduceMean(x, [2, 3]), epsilon);
  return reshape(globalAveragePool(normChannels(modules, "norm_pre", x, epsilon)), x.shape.slice(0, 2));
}

export const convnext: TimmFamily = {
  title: "convnext_*",
  includes: (architecture) => architecture in architectures,
  read(config, architecture) {
    const args = readArguments(config, architectures[architecture], known);
    const own = readConvNext(args);
    const task = taskOf(config, args);
    return tracedNetwork({
      input: pixelsOf(config, args),
      task,
      settings: own,
      heads: ["head.fc"],
      build: (modules, { pixel_values }) =>
        modules.linear("head.fc", pool(own, modules, encode(own, modules, pixel_values)), task.count),
    });
  },
};
