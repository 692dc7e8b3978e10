// timm's vision transformers (timm/models/vision_transformer.py): one projection for queries, keys and values; the
// architecture's name gives the number of heads.
import { add, mul, slice, type Value } from "../../../graph/index.ts";
import { activations } from "../../activations.ts";
import type { Config, JsonObject } from "../../config.ts";
import { attend } from "../../traced/attention.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { readActivation } from "../family.ts";
import { meanFrom, patchTokens, sides, tokenAt, withTokens } from "../vision/patches.ts";
import { pixelsOf, readArguments, taskOf } from "./arguments.ts";
import type { TimmFamily } from "./family.ts";

/** Width, depth, heads, and the MLP's width as a multiple of the network's. */
const sizes: Readonly<Record<string, readonly [number, number, number, number]>> = {
  tiny: [192, 12, 3, 4],
  small: [384, 12, 6, 4],
  base: [768, 12, 12, 4],
  large: [1024, 24, 16, 4],
  huge: [1280, 32, 16, 4],
  giant: [1408, 40, 16, 48 / 11],
  gigantic: [1664, 48, 16, 64 / 13],
};

const pattern = /^vit_([a-z]+)_patch(\d+)_(\d+|dinov2|clip_\d+)$/;

/** The settings in a name: vit_base_patch16_224, vit_small_patch14_dinov2, vit_base_patch32_clip_224. */
function settingsOf(architecture: string): { own: JsonObject; epsilon: number } | undefined {
  const [, size, patch, kind] = pattern.exec(architecture) ?? [];
  if (!(size in sizes)) return undefined;
  const [embed_dim, depth, num_heads, mlp_ratio] = sizes[size];
  const own = { embed_dim, depth, num_heads, mlp_ratio, patch_size: Number(patch) };
  const isGiant = size.startsWith("gi");
  if (kind === "dinov2") return isGiant ? undefined : { own: { ...own, init_values: 1e-5 }, epsilon: 1e-6 };
  if (!kind.startsWith("clip")) return { own, epsilon: 1e-6 };
  return isGiant ? undefined : { own: { ...own, pre_norm: true }, epsilon: 1e-5 };
}

const known = [
  ...["img_size", "qkv_bias", "qk_norm", "init_values", "class_token", "no_embed_class", "reg_tokens", "pre_norm"],
  ...["final_norm", "fc_norm", "pos_embed", "proj_bias", "act_layer"],
];

type Vit = ReturnType<typeof readVit>;

function readVit(args: Config, epsilon: number) {
  args.only("global_pool", "token", "avg");
  args.only("pos_embed", "learn");
  args.only("qk_norm", false);
  const [height, across] = sides(args, "img_size", 224);
  const [side, other] = sides(args, "patch_size", 16);
  const isMean = args.text("global_pool", "token") === "avg";
  const [heads, width] = [args.size("num_heads"), args.size("embed_dim")];
  if (side !== other) throw args.unsupported("patch_size", `is ${side}x${other}; layerwise evaluates square patches`);
  if (width % heads) throw args.fault("embed_dim", `is ${width}, which is not a multiple of the ${heads} heads`);
  const hasClassToken = args.flag("class_token", true);
  if (!hasClassToken && !isMean) throw args.fault("class_token", "is false, but the scores come from that token");
  const registers = args.number("reg_tokens", 0);
  return {
    epsilon,
    image: { height, width: across },
    side,
    patches: Math.floor(height / side) * Math.floor(across / side),
    width,
    layers: args.size("depth"),
    heads,
    inner: Math.trunc(width * args.number("mlp_ratio", 4)),
    activation: readActivation(args, "act_layer", "gelu"),
    isMean,
    hasClassToken,
    registers,
    /** Number of tokens before the patches. */
    prefix: Number(hasClassToken) + registers,
    arePatchesPlaced: args.flag("no_embed_class", false),
    isScaled: args.number("init_values", 0) !== 0,
    hasBias: args.flag("qkv_bias", true),
    hasOutBias: args.flag("proj_bias", true),
    isNormedBefore: args.flag("pre_norm", false),
    isNormed: args.flag("final_norm", true),
    isNormedLate: args.flag("fc_norm", isMean),
  };
}

function encode(own: Vit, modules: Modules, pixels: Value): Value {
  const { width, epsilon, patches, prefix, hasClassToken, registers, arePatchesPlaced, isNormedBefore } = own;
  const tokens = hasClassToken ? [modules.parameter("cls_token", [1, 1, width])] : [];
  if (registers) tokens.push(modules.parameter("reg_token", [1, registers, width]));
  const positions = modules.parameter("pos_embed", [1, arePatchesPlaced ? patches : patches + prefix, width]);
  const image = patchTokens(modules, "patch_embed.proj", pixels, width, own.side, !isNormedBefore);
  let x = arePatchesPlaced ? withTokens(tokens, add(image, positions)) : add(withTokens(tokens, image), positions);
  if (isNormedBefore) x = modules.layerNorm("norm_pre", x, epsilon);
  for (let i = 0; i < own.layers; i++) x = applyBlock(own, modules.within(`blocks.${i}`), x);
  return own.isNormed && !own.isNormedLate ? modules.layerNorm("norm", x, epsilon) : x;
}

function applyBlock(own: Vit, modules: Modules, x: Value): Value {
  const { width, heads, inner, epsilon, hasBias, hasOutBias } = own;
  const scaled = (name: string, y: Value) => (own.isScaled ? mul(y, modules.parameter(`${name}.gamma`, [width])) : y);
  const joined = modules.linear("attn.qkv", modules.layerNorm("norm1", x, epsilon), 3 * width, { hasBias });
  const parts = [0, 1, 2].map((i) => slice(joined, 2, i * width, (i + 1) * width));
  const attended = modules.linear("attn.proj", attend(parts, { heads }), width, { hasBias: hasOutBias });
  const middle = add(x, scaled("ls1", attended));
  const wide = modules.linear("mlp.fc1", modules.layerNorm("norm2", middle, epsilon), inner, { hasBias: hasOutBias });
  const changed = modules.linear("mlp.fc2", activations[own.activation](wide), width, { hasBias: hasOutBias });
  return add(middle, scaled("ls2", changed));
}

export const vit: TimmFamily = {
  title: "vit_*_patch*",
  includes: (architecture) => settingsOf(architecture) !== undefined,
  read(config, architecture) {
    const { own: settings, epsilon } = settingsOf(architecture)!;
    const args = readArguments(config, settings, known);
    const own = readVit(args, epsilon);
    const task = taskOf(config, args);
    return tracedNetwork({
      input: { ...pixelsOf(config, args), ...own.image },
      task,
      settings: own,
      heads: ["head"],
      build(modules, { pixel_values }) {
        const x = encode(own, modules, pixel_values);
        const pooled = own.isMean ? meanFrom(x, own.prefix) : tokenAt(x, 0);
        const isNormed = own.isNormed && own.isNormedLate;
        const normal = isNormed ? modules.layerNorm("fc_norm", pooled, epsilon) : pooled;
        return modules.linear("head", normal, task.count);
      },
    });
  },
};
