// torchvision's vision transformers. The number of heads is not in a state dict: heads have 64 channels, in vit_h_14
// 80.
import { add, gelu, linear, slice, type Value } from "../../../graph/index.ts";
import { attend } from "../../traced/attention.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { patchTokens, tokenAt, withTokens } from "../vision/patches.ts";
import { count, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";

const epsilon = 1e-6;

/** Layers, width and a patch's side. */
const names: Readonly<Record<string, string>> = {
  "12,768,16": "vit_b_16",
  "12,768,32": "vit_b_32",
  "24,1024,16": "vit_l_16",
  "24,1024,32": "vit_l_32",
  "32,1280,14": "vit_h_14",
};

type Vit = NonNullable<ReturnType<typeof readShapes>>;

function readShapes(shapes: Shapes) {
  const [width, channels, side] = shapes.get("conv_proj.weight") ?? [];
  const positions = shapes.get("encoder.pos_embedding")?.[1];
  if (!side || !positions || !shapes.has("class_token") || !shapes.has("heads.head.weight")) return undefined;
  const layers = ["mlp.0.weight", "mlp.linear_1.weight"].map((name) =>
    count(shapes, "encoder.layers.encoder_layer_", `.${name}`),
  );
  const [inner] = shapes.get("encoder.layers.encoder_layer_0.mlp.0.weight") ??
    shapes.get("encoder.layers.encoder_layer_0.mlp.linear_1.weight") ?? [0];
  const grid = Math.round(Math.sqrt(positions - 1));
  const name = names[String([Math.max(...layers), width, side])] ?? "vit";
  const perHead = name === "vit_h_14" ? 80 : 64;
  if (grid * grid !== positions - 1 || width % perHead) return undefined;
  const sizes = { channels, positions, width, side, layers: Math.max(...layers), inner, heads: width / perHead };
  return { name, image: grid * side, sizes };
}

function apply({ sizes }: Vit, modules: Modules, pixels: Value, labels: number): Value {
  const { positions, width, side, layers } = sizes;
  const token = modules.parameter("class_token", [1, 1, width]);
  const image = patchTokens(modules, "conv_proj", pixels, width, side);
  let x = add(withTokens([token], image), modules.parameter("encoder.pos_embedding", [1, positions, width]));
  for (let i = 0; i < layers; i++) x = applyLayer(sizes, modules.within(`encoder.layers.encoder_layer_${i}`), x);
  return modules.linear("heads.head", tokenAt(modules.layerNorm("encoder.ln", x, epsilon), 0), labels);
}

function applyLayer({ width, heads, inner }: Vit["sizes"], modules: Modules, x: Value): Value {
  const before = modules.layerNorm("ln_1", x, epsilon);
  const weight = modules.parameter("self_attention.in_proj_weight", [3 * width, width]);
  const joined = linear(before, weight, modules.parameter("self_attention.in_proj_bias", [3 * width]));
  const parts = [0, 1, 2].map((i) => slice(joined, 2, i * width, (i + 1) * width));
  const middle = add(x, modules.linear("self_attention.out_proj", attend(parts, { heads }), width));
  const wide = gelu(modules.linear("mlp.0", modules.layerNorm("ln_2", middle, epsilon), inner));
  return add(middle, modules.linear("mlp.3", wide, width));
}

export const vit: TorchvisionFamily = {
  name: "vit",
  architectures: Object.values(names),
  recognise(shapes) {
    const own = readShapes(shapes);
    if (!own) return undefined;
    const [labels] = shapes.get("heads.head.weight")!;
    const network = tracedNetwork({
      input: { kind: "pixels", channels: own.sizes.channels, height: own.image, width: own.image },
      task: { kind: "classes", count: labels },
      settings: own.sizes,
      heads: ["heads.head"],
      renames: [...wrappers, [/\.mlp\.linear_1\./, ".mlp.0."], [/\.mlp\.linear_2\./, ".mlp.3."]],
      build: (modules, { pixel_values }) => apply(own, modules, pixel_values, labels),
    });
    return { architecture: own.name, network };
  },
};
