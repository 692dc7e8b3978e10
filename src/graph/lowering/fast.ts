// The fast form for training convolutional networks on a CPU. Images keep the rows layout from the first convolution to
// the last; convolutions of stride 1 use Winograd's algorithm, those of stride 2 matrix products.
import { sizeOf } from "../../core/index.ts";
import type { Node, Value } from "../graph.ts";
import { geometryOf } from "../ops/convolution.ts";
import { add, mul, normalCumulative } from "../ops/elementwise.ts";
import { reduceSum } from "../ops/reduction.ts";
import { reshape } from "../ops/shape.ts";
import { pooledForward, pooledGradient } from "./pooled.ts";
import { rowsOf, toRows } from "./rows.ts";
import { stridedForward, stridedInput, stridedWeight } from "./strided.ts";
import { inRows, type Laid, type Layouts } from "./walk.ts";
import { winogradForward, winogradInput, winogradWeight } from "./winograd.ts";

/** Convolutions with a form in the rows layout: 3x3 of stride 1 or 2 with a padding of one, 1x1 of stride 2. */
function convolve(node: Node, inputs: readonly Laid[]): Laid | undefined {
  const { strides, pads, dilations, group } = geometryOf(node.attributes);
  const [kernel, other] = node.attributes.kernel_shape as readonly number[];
  const [stride] = strides;
  const border = (kernel - 1) / 2;
  const isKnown = (kernel === 3 && stride <= 2) || (kernel === 1 && stride === 2);
  if (!isKnown || kernel !== other || group !== 1 || strides[1] !== stride) return undefined;
  if (pads.some((p) => p !== border) || dilations.some((d) => d !== 1)) return undefined;
  const [first, second, bias] = inputs;
  const shapes = {
    Conv: () => [node.inputs[0]!.shape, node.outputs[0].shape],
    ConvInputGradient: () => [node.outputs[0].shape, node.inputs[1]!.shape],
    ConvWeightGradient: () => [node.inputs[0]!.shape, node.inputs[1]!.shape],
  }[node.op as "Conv"]();
  const [from, to] = shapes.map(rowsOf);
  if (!from || !to || from.side !== stride * to.side || node.outputs[0].dtype !== "float32") return undefined;
  if (node.op === "Conv") {
    const x = inRows(first, from);
    const y = stride === 1 ? winogradForward(x, second.value, from) : stridedForward(x, second.value, from, to);
    return { value: bias ? add(y, bias.value) : y, rows: to };
  }
  const dy = inRows(second, to);
  if (node.op === "ConvInputGradient") {
    const w = first.value;
    return { value: stride === 1 ? winogradInput(w, dy, to) : stridedInput(w, dy, from, to), rows: from };
  }
  const x = inRows(first, from);
  return { value: stride === 1 ? winogradWeight(x, dy, from) : stridedWeight(x, dy, from, to, kernel as 1 | 3) };
}

/** Elementwise operations work in any layout, if all operands have it. */
function elementByElement(node: Node, inputs: readonly Laid[]): Laid | undefined {
  const rows = inputs.find((one) => one.rows)?.rows;
  if (!rows || String(node.outputs[0].shape) !== String([rows.batch, rows.channels, rows.side, rows.side]))
    return undefined;
  const values = inputs.map(({ value, rows: own }, i) => {
    const { shape } = node.inputs[i]!;
    if (own || sizeOf(shape) === 1) return own ? value : reshape(value, []);
    if (String(shape) === String(node.outputs[0].shape)) return toRows(value, rows);
    return String(shape) === String([1, rows.channels, 1, 1]) ? reshape(value, [1, rows.channels]) : undefined;
  });
  if (values.some((value) => !value)) return undefined;
  return { value: values[0]!.graph.apply(node.op, values as Value[], node.attributes)[0], rows };
}

/**
 * Max pooling by two, where the image and the pooled image have the layout. The gradient finds the maxima again, so no
 * indices are needed.
 */
function pool(node: Node, inputs: readonly Laid[]): Laid | undefined {
  const { kernel_shape: kernel, strides, pads } = node.attributes as Record<string, readonly number[]>;
  const isForward = node.op === "MaxPool";
  const [from, to] = [node.inputs[isForward ? 0 : 1]!, isForward ? node.outputs[0] : node.inputs[0]!].map((v) =>
    rowsOf(v.shape),
  );
  if (!from || !to || [...kernel, ...strides].some((n) => n !== 2) || pads.some((n) => n !== 0)) return undefined;
  if (node.outputs[0].dtype !== "float32") return undefined;
  if (isForward) return { value: pooledForward(inRows(inputs[0], from), from, to), rows: to };
  const [dy, x, y] = inputs;
  return { value: pooledGradient(inRows(dy, to), inRows(x, from), inRows(y, to), from, to), rows: from };
}

/** The sum over images and pixels, for a bias's gradient. */
function sumOfPixels(node: Node, [{ value, rows }]: readonly Laid[]): Laid | undefined {
  const axes = node.inputs[1]?.node.tensor?.data;
  if (!rows || String(Array.from(axes ?? [], Number)) !== "0,2,3" || node.attributes.keepdims !== 0) return undefined;
  return { value: reduceSum(value, [0]) };
}

/** GELU from the cumulative function, which its gradient also needs. */
function geluByCumulative({ attributes }: Node, [{ value, rows }]: readonly Laid[]): Laid | undefined {
  if (rows || attributes.approximate === "tanh") return undefined;
  return { value: mul(value, normalCumulative(value)) };
}

/** Operations with a form in the rows layout, which is undefined where the shapes do not fit. */
export const overRows: Layouts = {
  Conv: convolve,
  ConvInputGradient: convolve,
  ConvWeightGradient: convolve,
  Gelu: geluByCumulative,
  MaxPool: pool,
  MaxPoolGradient: pool,
  ReduceSum: sumOfPixels,
  ...Object.fromEntries(
    ["Relu", "Add", "Sub", "Mul", "Div", "Neg", "HardSigmoid", "Identity", "Sqrt", "Exp"].map((op) => [
      op,
      elementByElement,
    ]),
  ),
};
