// Every gradient rule against central differences, in double precision where the runtime has the kernels, else in
// single.
import { describe, expect, it } from "vitest";
import { expectGradient } from "../../../test/differences.ts";
import { tensor } from "../../core/index.ts";
import {
  adaptiveAveragePool,
  add,
  averagePool,
  batchNormalization,
  batchNormalizationTraining,
  cast,
  concat,
  conv,
  crossEntropy,
  div,
  dropout,
  erf,
  exp,
  expand,
  gather,
  gelu,
  geluTanh,
  gemm,
  globalAveragePool,
  greater,
  identity,
  layerNormalization,
  linear,
  log,
  logSoftmax,
  matmul,
  maxPool,
  min,
  mul,
  neg,
  pad,
  pow,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scalar,
  sigmoid,
  slice,
  softmax,
  sqrt,
  sub,
  tanh,
  transpose,
  where,
} from "../index.ts";
import { rules } from "./index.ts";

const positive = { values: (x: number) => Math.abs(x) + 0.5 };
/** Distinct values, far enough apart that no step of the differences crosses a kink. */
const apart = { values: (x: number) => Math.sign(x) * (Math.abs(x) + 0.1) };
const single = { dtype: "float32" } as const;

type Check = Parameters<typeof expectGradient>;
const cases: Record<string, Check> = {
  Identity: [[[2, 3]], identity],
  "Add, broadcast both ways": [
    [
      [2, 1, 3],
      [4, 1],
    ],
    add,
  ],
  "Sub, broadcast": [[[2, 3], [3]], sub],
  "Mul, broadcast": [
    [
      [2, 3],
      [2, 1],
    ],
    mul,
  ],
  "Mul by itself": [[[3]], (x) => mul(x, x)],
  "Div, broadcast": [[[2, 3], [3]], div, positive],
  Pow: [[[2, 3], [3]], pow, positive],
  "Pow by a constant": [[[2, 3]], (x) => pow(x, 3)],
  Min: [[[8], [8]], min],
  Neg: [[[3]], neg],
  Relu: [[[10]], relu, apart],
  "Relu in float32": [[[10]], relu, { ...apart, ...single }],
  Gelu: [[[10]], gelu, single],
  "Gelu by tanh": [[[10]], geluTanh, single],
  Erf: [[[6]], erf, single],
  Sigmoid: [[[6]], sigmoid],
  Tanh: [[[6]], tanh],
  Exp: [[[6]], exp],
  Log: [[[6]], log, positive],
  Sqrt: [[[6]], sqrt, positive],
  Cast: [[[6]], (x) => mul(cast(mul(x, x), "float64"), 2)],
  Where: [[[2, 3], [3]], (a, b) => where(greater(a, 0), mul(a, 2), b), apart],
  ReduceSum: [[[2, 3, 4]], (x) => reduceSum(x, [0, -1])],
  ReduceMean: [[[2, 3, 4]], (x) => reduceMean(x, [1], { keep: true })],
  ReduceMax: [[[3, 5]], (x) => reduceMax(x, [1])],
  MatMul: [
    [
      [3, 4],
      [4, 2],
    ],
    matmul,
  ],
  "MatMul, batched and broadcast": [
    [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    matmul,
  ],
  ...Object.fromEntries(
    [0, 1, 2, 3].map((k): [string, Check] => {
      const [transA, transB] = [k % 2 === 1, k > 1];
      return [
        `Gemm ${transA ? "A'" : "A"} ${transB ? "B'" : "B"}`,
        [
          [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2], [2]],
          (a, b, c) => gemm(a, b, c, { alpha: 0.5, beta: 2, transA, transB }),
        ],
      ];
    }),
  ),
  "linear over the last axis": [[[2, 3, 4], [5, 4], [5]], linear],
  Reshape: [[[2, 6]], (x) => mul(reshape(x, [3, -1]), reshape(x, [3, 4]))],
  Transpose: [[[2, 3, 4]], (x) => exp(transpose(x, [2, 0, 1]))],
  Expand: [[[2, 1, 3]], (x) => expand(x, [4, 2, 5, 3])],
  Concat: [
    [
      [2, 3],
      [2, 1],
    ],
    (a, b) => exp(concat([a, b, a], 1)),
  ],
  Slice: [[[5, 7]], (x) => exp(slice(slice(x, 0, 1, 4), 1, 2, 7))],
  "Slice by a step": [[[7, 8]], (x) => exp(slice(slice(x, 0, 0, 7, 2), 1, 1, 8, 3))],
  Pad: [[[2, 3]], (x) => exp(pad(x, [1, 0], [0, 2]))],
  "Gather rows (embedding)": [
    [[5, 3]],
    (x) => exp(gather(x, x.graph.constant(tensor("int64", [2, 2], [1, 4, 1, 0])), 0)),
  ],
  "Gather columns": [[[2, 5, 3]], (x) => exp(gather(x, x.graph.constant(tensor("int32", [3], [2, 2, 4])), 1))],
  Softmax: [[[3, 5]], (x) => softmax(x)],
  "Softmax over the first axis": [[[3, 5]], (x) => softmax(x, 0)],
  LogSoftmax: [[[3, 5]], (x) => logSoftmax(x)],
  "cross entropy": [[[4, 5]], (x) => crossEntropy(x, x.graph.constant(tensor("int64", [4], [1, 0, 4, 4])))],
  LayerNormalization: [[[4, 6], [6], [6]], (x, s, b) => layerNormalization(x, s, b), single],
  "LayerNormalization without bias": [[[2, 3, 6], [6]], (x, s) => layerNormalization(x, s), single],
  "BatchNormalization, evaluation": [
    [[2, 3, 2, 2], [3], [3], [3], [3]],
    (x, s, b, m, v) => batchNormalization(x, s, b, m, v),
    { ...single, values: (x, i) => (i === 4 ? Math.abs(x) + 0.5 : x) },
  ],
  "batch normalisation, training": [
    [[4, 3, 2, 2], [3], [3]],
    (x, s, b) => {
      const running = { mean: scalar(x.graph, "float64", 0), variance: scalar(x.graph, "float64", 1) };
      return batchNormalizationTraining(x, s, b, {
        mean: expand(running.mean, [3]),
        variance: expand(running.variance, [3]),
      }).output;
    },
  ],
  dropout: [[[6]], (x) => dropout(x, x.graph.constant(tensor("float64", [6], [0.1, 0.9, 0.4, 0.6, 0.5, 0.2])), 0.5)],
  MaxPool: [[[1, 2, 4, 4]], (x) => maxPool(x, { kernel: 2 })],
  "MaxPool, rows and columns left over": [[[1, 2, 5, 5]], (x) => maxPool(x, { kernel: 2 })],
  "MaxPool, gaps between windows": [[[1, 1, 7, 5]], (x) => maxPool(x, { kernel: 2, stride: 3 })],
  "MaxPool, overlapping windows": [[[1, 1, 5, 5]], (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 })],
  AveragePool: [[[1, 2, 4, 4]], (x) => averagePool(x, { kernel: 2 }), single],
  "AveragePool, padded": [[[1, 1, 5, 5]], (x) => averagePool(x, { kernel: 3, stride: 2, padding: 1 }), single],
  "AveragePool, padding not counted": [
    [[1, 1, 5, 5]],
    (x) => averagePool(x, { kernel: 3, stride: 2, padding: 1, countPadding: false }),
    single,
  ],
  GlobalAveragePool: [[[2, 3, 2, 3]], globalAveragePool, single],
  "adaptive average pool, up": [[[1, 2, 1, 1]], (x) => adaptiveAveragePool(x, [3, 3])],
  "adaptive average pool, uneven": [[[1, 2, 5, 7]], (x) => adaptiveAveragePool(x, [3, 4])],
  Conv: [[[2, 3, 5, 5], [4, 3, 3, 3], [4]], (x, w, b) => conv(x, w, b, { padding: 1 }), single],
  "Conv without padding": [
    [
      [1, 2, 5, 4],
      [3, 2, 3, 2],
    ],
    (x, w) => conv(x, w),
    single,
  ],
  "Conv, stride 2": [
    [
      [2, 3, 6, 6],
      [4, 3, 3, 3],
    ],
    (x, w) => conv(x, w, null, { stride: 2, padding: 1 }),
    single,
  ],
  "Conv, stride 2 on an odd size": [
    [
      [1, 2, 7, 5],
      [2, 2, 3, 3],
    ],
    (x, w) => conv(x, w, null, { stride: 2, padding: 1 }),
    single,
  ],
  "Conv, stride 3 that leaves pixels out": [
    [
      [1, 2, 8, 8],
      [2, 2, 2, 2],
    ],
    (x, w) => conv(x, w, null, { stride: 3 }),
    single,
  ],
  "Conv 1x1": [
    [
      [2, 3, 3, 3],
      [4, 3, 1, 1],
    ],
    (x, w) => conv(x, w),
    single,
  ],
  "Conv 1x1, stride 2": [
    [
      [2, 3, 4, 4],
      [4, 3, 1, 1],
    ],
    (x, w) => conv(x, w, null, { stride: 2 }),
    single,
  ],
  "Conv, padding wider than the kernel": [
    [
      [1, 2, 3, 3],
      [2, 2, 2, 2],
    ],
    (x, w) => conv(x, w, null, { padding: 2 }),
    single,
  ],
  "Conv, dilation 2": [
    [
      [1, 2, 7, 7],
      [2, 2, 3, 3],
    ],
    (x, w) => conv(x, w, null, { padding: 2, dilation: 2 }),
    single,
  ],
  "Conv in groups": [[[2, 4, 4, 4], [6, 2, 3, 3], [6]], (x, w, b) => conv(x, w, b, { padding: 1, groups: 2 }), single],
  "Conv by channel, stride 2": [
    [
      [1, 3, 6, 6],
      [3, 1, 3, 3],
    ],
    (x, w) => conv(x, w, null, { padding: 1, stride: 2, groups: 3 }),
    single,
  ],
};

describe("gradients against central differences", () => {
  for (const [name, [shapes, build, options]] of Object.entries(cases)) {
    it(name, () => expectGradient(shapes, build, options));
  }

  it("covers every rule", () => {
    const titles = Object.keys(cases).map((title) => title.split(/[ ,]/)[0]);
    const missing = Object.keys(rules).filter((op) => !titles.includes(op));
    expect(missing).toEqual([]);
  });
});
