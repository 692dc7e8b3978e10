// ResNets with torchvision's names, which timm also uses: `layer1.0.conv1`, `downsample`. The stride of a bottleneck is
// in its 3x3 convolution.
import { add, globalAveragePool, maxPool, relu, reshape, type Value } from "../../../graph/index.ts";
import type { Modules } from "../../traced/modules.ts";

/** Channels of a stage's blocks: inner ones, and those after the last convolution. */
export interface Stage {
  readonly blocks: number;
  readonly inner: number;
  readonly outer: number;
}

export interface Residual {
  /** Channels of the stem: of one 7x7 convolution, or of three 3x3 ones. */
  readonly stem: readonly number[];
  readonly isBottleneck: boolean;
  /** Groups of the 3x3 convolution of a bottleneck. */
  readonly groups: number;
  readonly stages: readonly Stage[];
  /** Shortcuts halve the image by an average pool before the convolution, not by the convolution's stride. */
  readonly isPooled?: boolean;
}

const plain = (kernel: number, stride = 1, groups = 1) => ({
  kernel,
  stride,
  padding: Math.floor(kernel / 2),
  groups,
  hasBias: false,
});

/** Scores of images; `fc` is the head. */
export function applyResidual(own: Residual, modules: Modules, pixels: Value, count: number): Value {
  const stem = modules.batchNorm("bn1", applyStem(own.stem, modules, pixels));
  let x = maxPool(relu(stem), { kernel: 3, stride: 2, padding: 1 });
  for (const [s, stage] of own.stages.entries())
    for (let i = 0; i < stage.blocks; i++)
      x = applyBlock(own, stage, modules.within(`layer${s + 1}.${i}`), x, s > 0 && i === 0 ? 2 : 1);
  return modules.linear("fc", reshape(globalAveragePool(x), [x.shape[0], -1]), count);
}

function applyStem([first, ...others]: readonly number[], modules: Modules, pixels: Value): Value {
  if (others.length === 0) return modules.conv("conv1", pixels, first, plain(7, 2));
  let x = modules.conv("conv1.0", pixels, first, plain(3, 2));
  for (const [i, out] of others.entries()) {
    x = relu(modules.batchNorm(`conv1.${3 * i + 1}`, x));
    x = modules.conv(`conv1.${3 * i + 3}`, x, out, plain(3));
  }
  return x;
}

function applyBlock(own: Residual, { inner, outer }: Stage, modules: Modules, x: Value, stride: number): Value {
  const { isBottleneck, groups } = own;
  const settings = isBottleneck ? [plain(1), plain(3, stride, groups), plain(1)] : [plain(3, stride), plain(3)];
  const last = settings.length - 1;
  let y = x;
  for (const [i, geometry] of settings.entries()) {
    const next = modules.conv(`conv${i + 1}`, y, i === last ? outer : inner, geometry);
    const normal = modules.batchNorm(`bn${i + 1}`, next);
    y = i === last ? normal : relu(normal);
  }
  return relu(add(y, shortcut(own, modules, x, outer, stride)));
}

function shortcut({ isPooled = false }: Residual, modules: Modules, x: Value, outer: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === outer) return x;
  const [from, step, at] = isPooled ? [stride > 1 ? halved(x) : x, 1, 1] : [x, stride, 0];
  const projected = modules.conv(`downsample.${at}`, from, outer, plain(1, step));
  return modules.batchNorm(`downsample.${at + 1}`, projected);
}

/** 2x2 means; at the end of an odd side, over fewer pixels. */
function halved(x: Value): Value {
  const [bottom, right] = x.shape.slice(2).map((size) => size % 2);
  const geometry = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, bottom, right] };
  return x.graph.apply("AveragePool", [x], { ...geometry, count_include_pad: 0 })[0];
}
