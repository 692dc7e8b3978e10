// Convolution of images [N, C, H, W] and its two gradients. The gradients are separate operations (domain `layerwise`),
// and the lowering (../lowering) chooses how to compute them.
import type { Value } from "../graph.ts";
import type { AttributeValue, Operation } from "./operation.ts";

/** Geometry as in ONNX's Conv; pads are [top, left, bottom, right]. */
export interface ConvGeometry {
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly group: number;
}

const geometryAttributes = {
  strides: "ints",
  pads: "ints",
  dilations: "ints",
  group: "int",
  kernel_shape: "ints",
} as const;

/** The geometry in a convolution's attributes. */
export function geometryOf(attributes: Readonly<Record<string, AttributeValue>>): ConvGeometry {
  const { strides, pads, dilations, group } = attributes;
  return { strides, pads, dilations, group } as unknown as ConvGeometry;
}

export const convolution = {
  Conv: {
    attributes: geometryAttributes,
    infer([x, w, b], attributes) {
      const { strides, pads, dilations, group } = geometryOf(attributes);
      const [n, c, ...size] = x!.shape;
      const [o, inner, ...kernel] = w!.shape;
      if (x!.shape.length !== 4 || c !== inner * group || o % group || (b && String(b.shape) !== String([o]))) {
        throw new Error(`Conv of [${x!.shape}] with [${w!.shape}] in ${group} groups`);
      }
      const out = size.map(
        (s, i) => Math.floor((s + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) / strides[i]) + 1,
      );
      return [{ dtype: x!.dtype, shape: [n, o, ...out] }];
    },
  },
  ConvTranspose: {
    attributes: { ...geometryAttributes, output_padding: "ints" },
    infer([dy, w], attributes) {
      const { strides, pads, dilations, group } = geometryOf(attributes);
      const extra = attributes.output_padding as readonly number[];
      const [n, , ...size] = dy!.shape;
      const [, inner, ...kernel] = w!.shape;
      const out = size.map(
        (s, i) => strides[i] * (s - 1) + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + 2] + extra[i],
      );
      return [{ dtype: dy!.dtype, shape: [n, inner * group, ...out] }];
    },
  },
  /** (weight, dy) -> dx of shape `input_shape`. */
  ConvInputGradient: {
    domain: "layerwise",
    attributes: { ...geometryAttributes, input_shape: "ints" },
    infer: ([w], { input_shape }) => [{ dtype: w!.dtype, shape: input_shape as readonly number[] }],
  },
  /** (x, dy) -> dw of shape `weight_shape`. */
  ConvWeightGradient: {
    domain: "layerwise",
    attributes: { ...geometryAttributes, weight_shape: "ints" },
    infer: ([x], { weight_shape }) => [{ dtype: x!.dtype, shape: weight_shape as readonly number[] }],
  },
} satisfies Record<string, Operation>;

/**
 * Geometry of a {@link conv}, the same in both directions: stride 1, padding 0, dilation 1 and groups 1 by default.
 */
export interface ConvOptions {
  stride?: number;
  padding?: number;
  dilation?: number;
  groups?: number;
}

/**
 * PyTorch's conv2d. x [N, C, H, W], weight [O, C / groups, kh, kw], bias [O]; gives [N, O, H', W']. Throws an Error if
 * the channels do not fit.
 * @example
 * ```ts
 * import { conv, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const image = graph.input("image", "float32", [1, 3, 8, 8]);
 * const weight = graph.input("weight", "float32", [16, 3, 3, 3]);
 * console.log(conv(image, weight, null, { padding: 1 }).shape); // [ 1, 16, 8, 8 ]
 * ```
 */
export function conv(x: Value, weight: Value, bias: Value | null = null, options: ConvOptions = {}): Value {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return convGeneral(x, weight, bias, {
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group: groups,
  });
}

export function convGeneral(x: Value, weight: Value, bias: Value | null, geometry: ConvGeometry): Value {
  const attributes = { ...geometry, kernel_shape: weight.shape.slice(2) };
  return x.graph.apply("Conv", bias ? [x, weight, bias] : [x, weight], attributes)[0];
}
