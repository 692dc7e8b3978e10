// torchvision's ResNets, ResNeXts and wide ResNets.
import { tracedNetwork } from "../../traced/network.ts";
import { applyResidual, type Residual } from "../vision/residual.ts";
import { anySize, count, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";

/** Depth by the kind and the number of blocks. */
const depths: Readonly<Record<string, number>> = {
  "basic 2,2,2,2": 18,
  "basic 3,4,6,3": 34,
  "bottleneck 3,4,6,3": 50,
  "bottleneck 3,4,23,3": 101,
  "bottleneck 3,8,36,3": 152,
};

/** Undefined for tensors of another network, such as one with a stem for small images. */
function readShapes(shapes: Shapes): Residual | undefined {
  const [stem, , ...kernel] = shapes.get("conv1.weight") ?? [];
  if (String(kernel) !== "7,7" || !shapes.has("bn1.running_mean") || !shapes.has("fc.weight")) return undefined;
  const isBottleneck = shapes.has("layer1.0.conv3.weight");
  const stages = [1, 2, 3, 4].map((s) => {
    const last = shapes.get(`layer${s}.0.conv${isBottleneck ? 3 : 2}.weight`) ?? [0];
    const [inner] = shapes.get(`layer${s}.0.conv1.weight`) ?? [0];
    return { blocks: count(shapes, `layer${s}.`, ".conv1.weight"), inner, outer: last[0] };
  });
  const [, perGroup] = shapes.get("layer1.0.conv2.weight") ?? [];
  if (!perGroup || stages.some(({ blocks }) => blocks === 0)) return undefined;
  return { stem: [stem], isBottleneck, groups: isBottleneck ? stages[0].inner / perGroup : 1, stages };
}

function nameOf({ isBottleneck, groups, stages }: Residual): string {
  const depth = depths[`${isBottleneck ? "bottleneck" : "basic"} ${stages.map(({ blocks }) => blocks)}`];
  const [{ inner, outer }] = stages;
  if (depth === undefined) return "resnet";
  if (groups > 1) return `resnext${depth}_${groups}x${inner / groups}d`;
  return isBottleneck && 2 * inner === outer ? `wide_resnet${depth}_2` : `resnet${depth}`;
}

export const resnet: TorchvisionFamily = {
  name: "resnet",
  architectures: [
    ...["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "wide_resnet101_2"],
    ...["resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"],
  ],
  recognise(shapes) {
    const residual = readShapes(shapes);
    if (!residual) return undefined;
    const [labels] = shapes.get("fc.weight")!;
    const network = tracedNetwork({
      input: { ...anySize, channels: shapes.get("conv1.weight")![1] },
      task: { kind: "classes", count: labels },
      settings: residual,
      heads: ["fc"],
      renames: wrappers,
      build: (modules, { pixel_values }) => applyResidual(residual, modules, pixel_values, labels),
    });
    return { architecture: nameOf(residual), network };
  },
};
