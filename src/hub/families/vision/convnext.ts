// ConvNeXt in transformers' layout (transformers/models/convnext).
import { reduceMean } from "../../../graph/index.ts";
import type { Config } from "../../config.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { type Family, readActivation } from "../family.ts";
import { readTask } from "../labels.ts";
import { applyConvNextBlock, blockEpsilon, normChannels } from "./convnext-block.ts";
import { pixelsOf, readPatches } from "./patches.ts";

const names = {
  scale: "layer_scale_parameter",
  depthwise: "dwconv",
  norm: "layernorm",
  up: "pwconv1",
  down: "pwconv2",
};

function readConvNext(config: Config) {
  const stages = config.size("num_stages", 4);
  return {
    patches: readPatches(config, 224, 4),
    sizes: config.sizes("hidden_sizes", [96, 192, 384, 768], stages),
    depths: config.sizes("depths", [3, 3, 9, 3], stages),
    activation: readActivation(config, "hidden_act", "gelu"),
    epsilon: config.number("layer_norm_eps", 1e-12),
    isScaled: config.number("layer_scale_init_value", 1e-6) > 0,
  };
}

export const convnext: Family = {
  type: "convnext",
  architectures: ["ConvNextForImageClassification"],
  read(config) {
    const own = readConvNext(config);
    const { patches, sizes, depths, activation, epsilon, isScaled } = own;
    const { height, width, ...rest } = patches; // images may have any size
    const task = readTask(config);
    return tracedNetwork({
      input: pixelsOf(patches),
      task,
      settings: { ...own, patches: rest },
      prefix: "convnext.",
      heads: ["classifier"],
      build(modules, { pixel_values }) {
        const base = modules.within("convnext");
        const embeddings = base.within("embeddings");
        let x = embeddings.conv("patch_embeddings", pixel_values, sizes[0], { kernel: patches.side });
        x = normChannels(embeddings, "layernorm", x);
        for (const [s, out] of sizes.entries()) {
          const stage = base.within(`encoder.stages.${s}`);
          if (s > 0 || x.shape[1] !== out) {
            const normal = normChannels(stage, "downsampling_layer.0", x, blockEpsilon);
            x = stage.conv("downsampling_layer.1", normal, out, { kernel: 2 });
          }
          for (let i = 0; i < depths[s]; i++)
            x = applyConvNextBlock(stage.within(`layers.${i}`), x, {
              names,
              activation,
              scaleShape: isScaled ? [out] : undefined,
            });
        }
        const pooled = base.layerNorm("layernorm", reduceMean(x, [2, 3]), epsilon);
        return modules.linear("classifier", pooled, task.count);
      },
    });
  },
};
