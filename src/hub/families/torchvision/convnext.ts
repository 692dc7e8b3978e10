// torchvision's ConvNeXts. Stages and the layers between them are numbered alternately.
import { reduceMean, type Value } from "../../../graph/index.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { applyConvNextBlock, blockEpsilon, normChannels } from "../vision/convnext-block.ts";
import { anySize, count, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";

const architectures: Readonly<Record<string, string>> = {
  "3,3,9,3 of 96": "convnext_tiny",
  "3,3,27,3 of 96": "convnext_small",
  "3,3,27,3 of 128": "convnext_base",
  "3,3,27,3 of 192": "convnext_large",
};

const names = { scale: "layer_scale", depthwise: "block.0", norm: "block.2", up: "block.3", down: "block.5" };

interface Stage {
  readonly width: number;
  readonly blocks: number;
}

function readShapes(shapes: Shapes): readonly Stage[] | undefined {
  if (!shapes.has("features.1.0.layer_scale") || !shapes.has("classifier.2.weight")) return undefined;
  const stages: Stage[] = [];
  for (let s = 0; shapes.has(`features.${2 * s + 1}.0.layer_scale`); s++) {
    const [width] = shapes.get(`features.${2 * s + 1}.0.layer_scale`)!;
    stages.push({ width, blocks: count(shapes, `features.${2 * s + 1}.`, ".layer_scale") });
  }
  return stages;
}

function apply(stages: readonly Stage[], modules: Modules, pixels: Value, labels: number): Value {
  const stem = modules.conv("features.0.0", pixels, stages[0].width, { kernel: 4 });
  let x = normChannels(modules, "features.0.1", stem);
  for (const [s, { width, blocks }] of stages.entries()) {
    const [between, stage] = [modules.within(`features.${2 * s}`), modules.within(`features.${2 * s + 1}`)];
    if (s > 0) x = between.conv("1", normChannels(between, "0", x), width, { kernel: 2 });
    for (let i = 0; i < blocks; i++)
      x = applyConvNextBlock(stage.within(String(i)), x, { names, activation: "gelu", scaleShape: [width, 1, 1] });
  }
  return modules.linear("classifier.2", modules.layerNorm("classifier.0", reduceMean(x, [2, 3]), blockEpsilon), labels);
}

export const convnext: TorchvisionFamily = {
  name: "convnext",
  architectures: Object.values(architectures),
  recognise(shapes) {
    const stages = readShapes(shapes);
    if (!stages) return undefined;
    const [labels] = shapes.get("classifier.2.weight")!;
    const network = tracedNetwork({
      input: { ...anySize, channels: shapes.get("features.0.0.weight")?.[1] ?? 3 },
      task: { kind: "classes", count: labels },
      settings: stages,
      heads: ["classifier.2"],
      renames: wrappers,
      build: (modules, { pixel_values }) => apply(stages, modules, pixel_values, labels),
    });
    const sizes = `${stages.map(({ blocks }) => blocks)} of ${stages[0].width}`;
    return { architecture: architectures[sizes] ?? "convnext", network };
  },
};
