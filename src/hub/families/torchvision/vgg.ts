// torchvision's VGGs, with and without BatchNorm. Gaps in the numbers of the convolutions show where the max pools are.
import { adaptiveAveragePool, maxPool, relu, reshape, type Value } from "../../../graph/index.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { anySize, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";

interface Convolution {
  readonly at: number;
  readonly out: number;
  /** A max pool follows. */
  readonly isPooled: boolean;
}

interface Vgg {
  readonly isNormed: boolean;
  readonly convolutions: readonly Convolution[];
  /** Outputs of the first two linear layers. */
  readonly inner: readonly number[];
}

/** Depth by the convolutions between the pools. */
const depths: Readonly<Record<string, number>> = {
  "1,1,2,2,2": 11,
  "2,2,2,2,2": 13,
  "2,2,3,3,3": 16,
  "2,2,4,4,4": 19,
};

const heads = ["classifier.0", "classifier.3", "classifier.6"];

function readShapes(shapes: Shapes): Vgg | undefined {
  if (shapes.get("features.0.weight")?.length !== 4 || !heads.every((name) => shapes.has(`${name}.weight`)))
    return undefined;
  const isNormed = shapes.has("features.1.running_mean");
  const step = isNormed ? 3 : 2;
  const places = [...shapes]
    .filter(([name, shape]) => /^features\.\d+\.weight$/.test(name) && shape.length === 4)
    .map(([name, shape]) => ({ at: Number(name.split(".")[1]), out: shape[0] }))
    .sort((x, y) => x.at - y.at);
  const gaps = places.map(({ at }, i) => (i + 1 < places.length ? places[i + 1].at - at - step : 1));
  if (gaps.some((gap) => gap !== 0 && gap !== 1)) return undefined;
  const convolutions = places.map((place, i) => ({ ...place, isPooled: gaps[i] === 1 }));
  return { isNormed, convolutions, inner: heads.slice(0, 2).map((name) => shapes.get(`${name}.weight`)![0]) };
}

function nameOf({ isNormed, convolutions }: Vgg): string {
  const runs = [0];
  for (const { isPooled } of convolutions) {
    runs[runs.length - 1]++;
    if (isPooled) runs.push(0);
  }
  const depth = depths[String(runs.slice(0, -1))];
  return depth === undefined ? "vgg" : `vgg${depth}${isNormed ? "_bn" : ""}`;
}

function apply({ isNormed, convolutions, inner }: Vgg, modules: Modules, pixels: Value, labels: number): Value {
  let x = pixels;
  for (const { at, out, isPooled } of convolutions) {
    x = modules.conv(`features.${at}`, x, out, { kernel: 3, stride: 1, padding: 1 });
    x = relu(isNormed ? modules.batchNorm(`features.${at + 1}`, x) : x);
    if (isPooled) x = maxPool(x, { kernel: 2 });
  }
  x = reshape(adaptiveAveragePool(x, [7, 7]), [x.shape[0], -1]);
  for (const [i, out] of inner.entries()) x = relu(modules.linear(heads[i], x, out));
  return modules.linear(heads[2], x, labels);
}

export const vgg: TorchvisionFamily = {
  name: "vgg",
  architectures: [11, 13, 16, 19].flatMap((depth) => [`vgg${depth}`, `vgg${depth}_bn`]),
  recognise(shapes) {
    const own = readShapes(shapes);
    if (!own) return undefined;
    const [labels] = shapes.get("classifier.6.weight")!;
    const network = tracedNetwork({
      input: { ...anySize, channels: shapes.get("features.0.weight")![1] },
      task: { kind: "classes", count: labels },
      settings: own,
      heads: ["classifier.6"],
      renames: wrappers,
      build: (modules, { pixel_values }) => apply(own, modules, pixel_values, labels),
    });
    return { architecture: nameOf(own), network };
  },
};
