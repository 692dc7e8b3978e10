// torchvision's MobileNetV2: blocks of a 1x1 convolution, a depthwise one and another 1x1, with ReLU6.
import { add, globalAveragePool, min, relu, reshape, type Value } from "../../../graph/index.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { anySize, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";

/** The blocks that halve the image. */
const halving = [2, 4, 7, 14];

interface Block {
  /** Channels of the depthwise convolution. */
  readonly inner: number;
  readonly out: number;
  /** The block has the first 1x1 convolution. */
  readonly isExpanded: boolean;
}

interface MobileNet {
  readonly stem: number;
  readonly blocks: readonly Block[];
  readonly last: number;
}

function readShapes(shapes: Shapes): MobileNet | undefined {
  const [stem] = shapes.get("features.0.0.weight") ?? [];
  const [last] = shapes.get("features.18.0.weight") ?? [];
  if (!stem || !last || !shapes.has("classifier.1.weight")) return undefined;
  const blocks = Array.from({ length: 17 }, (_, i) => {
    const own = `features.${i + 1}.conv`;
    const isExpanded = shapes.has(`${own}.1.0.weight`);
    const [inner] = shapes.get(`${own}.0.0.weight`) ?? [0];
    const [out] = shapes.get(`${own}.${isExpanded ? 2 : 1}.weight`) ?? [0];
    return { inner, out, isExpanded };
  });
  return blocks.every(({ inner, out }) => inner && out) ? { stem, blocks, last } : undefined;
}

const relu6 = (x: Value) => min(relu(x), 6);

/** A convolution at `name`.0 with its normalisation at `name`.1. */
function normed(modules: Modules, name: string, x: Value, out: number, kernel: number, stride = 1, groups = 1): Value {
  const padding = Math.floor(kernel / 2);
  const y = modules.conv(`${name}.0`, x, out, { kernel, stride, padding, groups, hasBias: false });
  return relu6(modules.batchNorm(`${name}.1`, y));
}

function applyBlock({ inner, out, isExpanded }: Block, modules: Modules, x: Value, stride: number): Value {
  const wide = isExpanded ? normed(modules, "0", x, inner, 1) : x;
  const at = Number(isExpanded);
  const mixed = normed(modules, String(at), wide, inner, 3, stride, inner);
  const narrow = modules.conv(String(at + 1), mixed, out, { kernel: 1, hasBias: false });
  const y = modules.batchNorm(String(at + 2), narrow);
  return stride === 1 && x.shape[1] === out ? add(x, y) : y;
}

function apply({ stem, blocks, last }: MobileNet, modules: Modules, pixels: Value, labels: number): Value {
  let x = normed(modules, "features.0", pixels, stem, 3, 2);
  for (const [i, block] of blocks.entries())
    x = applyBlock(block, modules.within(`features.${i + 1}.conv`), x, halving.includes(i + 1) ? 2 : 1);
  x = normed(modules, "features.18", x, last, 1);
  return modules.linear("classifier.1", reshape(globalAveragePool(x), [x.shape[0], -1]), labels);
}

export const mobilenetV2: TorchvisionFamily = {
  name: "mobilenet_v2",
  architectures: ["mobilenet_v2"],
  recognise(shapes) {
    const own = readShapes(shapes);
    if (!own) return undefined;
    const [labels] = shapes.get("classifier.1.weight")!;
    const network = tracedNetwork({
      input: { ...anySize, channels: shapes.get("features.0.0.weight")![1] },
      task: { kind: "classes", count: labels },
      settings: own,
      heads: ["classifier.1"],
      renames: wrappers,
      build: (modules, { pixel_values }) => apply(own, modules, pixel_values, labels),
    });
    return { architecture: "mobilenet_v2", network };
  },
};
