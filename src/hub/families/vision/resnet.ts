// ResNet in transformers' layout (transformers/models/resnet): stages of basic or bottleneck layers after a 7x7 stem
// and a max pool.
import { add, globalAveragePool, maxPool, reshape, type Value } from "../../../graph/index.ts";
import { activations } from "../../activations.ts";
import type { Config } from "../../config.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { type Family, readActivation } from "../family.ts";
import { readTask } from "../labels.ts";

interface ResNet extends ReturnType<typeof readResNet> {}

function readResNet(config: Config) {
  const sizes = config.sizes("hidden_sizes", [256, 512, 1024, 2048]);
  const type = config.text("layer_type", "bottleneck");
  if (type !== "basic" && type !== "bottleneck")
    throw config.unsupported("layer_type", `is "${type}", an unknown kind`);
  return {
    channels: config.size("num_channels", 3),
    stem: config.size("embedding_size", 64),
    sizes,
    depths: config.sizes("depths", [3, 4, 6, 3], sizes.length),
    type,
    activation: readActivation(config, "hidden_act", "relu"),
    isFirstHalved: config.flag("downsample_in_first_stage", false),
    isHalvedEarly: config.flag("downsample_in_bottleneck", false),
  };
}

/** A convolution with its normalisation. */
function normed(modules: Modules, x: Value, out: number, kernel: number, stride: number): Value {
  const padding = Math.floor(kernel / 2);
  return modules.batchNorm(
    "normalization",
    modules.conv("convolution", x, out, { kernel, stride, padding, hasBias: false }),
  );
}

function applyLayer(own: ResNet, modules: Modules, x: Value, out: number, stride: number): Value {
  const act = activations[own.activation];
  const isShort = x.shape[1] === out && stride === 1;
  const shortcut = isShort ? x : normed(modules.within("shortcut"), x, out, 1, stride);
  const inner = Math.floor(out / 4);
  const steps =
    own.type === "basic"
      ? [
          [out, 3, stride],
          [out, 3, 1],
        ]
      : [
          [inner, 1, own.isHalvedEarly ? stride : 1],
          [inner, 3, own.isHalvedEarly ? 1 : stride],
          [out, 1, 1],
        ];
  const y = steps.reduce((value, [size, kernel, step], i) => {
    const next = normed(modules.within(`layer.${i}`), value, size, kernel, step);
    return i < steps.length - 1 ? act(next) : next;
  }, x);
  return act(add(y, shortcut));
}

export const resnet: Family = {
  type: "resnet",
  architectures: ["ResNetForImageClassification"],
  read(config) {
    const own = readResNet(config);
    const task = readTask(config);
    return tracedNetwork({
      input: { kind: "pixels", channels: own.channels, height: 224, width: 224 },
      task,
      settings: own,
      prefix: "resnet.",
      heads: ["classifier.1"],
      build(modules, { pixel_values }) {
        const base = modules.within("resnet");
        const stem = normed(base.within("embedder.embedder"), pixel_values, own.stem, 7, 2);
        let x = maxPool(activations[own.activation](stem), { kernel: 3, stride: 2, padding: 1 });
        for (const [s, out] of own.sizes.entries())
          for (let i = 0; i < own.depths[s]; i++) {
            const stride = i === 0 && (s > 0 || own.isFirstHalved) ? 2 : 1;
            x = applyLayer(own, base.within(`encoder.stages.${s}.layers.${i}`), x, out, stride);
          }
        return modules.linear("classifier.1", reshape(globalAveragePool(x), [x.shape[0], -1]), task.count);
      },
    });
  },
};
