// The plain form: standard operators only, correct on every device, and the reference for faster forms. Gradient by
// input: at stride 1 a Conv with flipped, transposed kernels (ConvTranspose takes two to four times as long), at larger
// strides ConvTranspose. Gradient by weight: im2col and one matrix product.
import { tensor } from "../../core/index.ts";
import type { Node, Value } from "../graph.ts";
import { type ConvGeometry, convGeneral, geometryOf } from "../ops/convolution.ts";
import { gather } from "../ops/indexing.ts";
import { gemm, matmul } from "../ops/linear.ts";
import { concat, reshape, transpose, zeros } from "../ops/shape.ts";
import { maxPoolGradient } from "./max-pool.ts";

/** By operation: a function from the lowered inputs and the original node to the outputs in the target graph. */
type Lowering = Readonly<Record<string, (inputs: readonly Value[], node: Node) => readonly Value[]>>;

export const plain: Lowering = {
  ConvInputGradient: ([w, dy], node) => [convInputGradient(w, dy, node)],
  ConvWeightGradient: ([x, dy], node) => [convWeightGradient(x, dy, node)],
  MaxPoolGradient: ([dy, x, y], node) => [maxPoolGradient(dy, x, y, node)],
};

function convInputGradient(w: Value, dy: Value, { attributes }: Node): Value {
  const geometry = geometryOf(attributes);
  const { strides, pads, dilations, group } = geometry;
  const [, inner, kh, kw] = w.shape;
  const [, , height, width] = attributes.input_shape as readonly number[];
  const reach = [dilations[0] * (kh - 1), dilations[1] * (kw - 1)];
  const flippedPads = [reach[0] - pads[0], reach[1] - pads[1], reach[0] - pads[2], reach[1] - pads[3]] as const;
  if (strides.some((s) => s > 1) || flippedPads.some((p) => p < 0)) {
    // rows and columns at the end that no window reached
    const rest = [height, width].map(
      (n, i) => n - (strides[i] * (dy.shape[i + 2] - 1) + reach[i] + 1 - pads[i] - pads[i + 2]),
    );
    return dy.graph.apply("ConvTranspose", [dy, w], { ...geometry, kernel_shape: [kh, kw], output_padding: rest })[0];
  }
  const taps = kh * kw;
  const outer = w.shape[0] / group;
  const reversed = w.graph.constant(
    tensor(
      "int64",
      [taps],
      Array.from({ length: taps }, (_, i) => taps - 1 - i),
    ),
  );
  const flipped = taps === 1 ? w : gather(reshape(w, [group, outer, inner, taps]), reversed, 3);
  const swapped = transpose(reshape(flipped, [group, outer, inner, taps]), [0, 2, 1, 3]);
  const kernel = reshape(swapped, [group * inner, outer, kh, kw]);
  return convGeneral(dy, kernel, null, { strides: [1, 1], pads: flippedPads, dilations, group });
}

function convWeightGradient(x: Value, dy: Value, { attributes }: Node): Value {
  const geometry = geometryOf(attributes);
  const { group } = geometry;
  const [n, c, h, w] = x.shape;
  const [, o, outHeight, outWidth] = dy.shape;
  const [, inner, kh, kw] = attributes.weight_shape as readonly number[];
  const taps = kh * kw;
  const rows = n * outHeight * outWidth;
  const pixels = reshape(transpose(x, [0, 2, 3, 1]), [n * h * w, c]);
  const source = sourcePixels(x.shape, dy.shape, [kh, kw], geometry);
  const isIdentity = taps === 1 && rows === n * h * w && source.every((at, i) => at === i);
  const columns = isIdentity
    ? pixels
    : gather(concat([pixels, zeros(x, [1, c])], 0), x.graph.constant(tensor("int32", [rows * taps], source)), 0);
  const dyRows = transpose(dy, [0, 2, 3, 1]);
  if (group === 1) {
    const product = gemm(reshape(columns, [rows, taps * c]), reshape(dyRows, [rows, o]), null, { transA: true });
    return reshape(transpose(reshape(product, [taps, c, o]), [2, 1, 0]), [o, inner, kh, kw]);
  }
  const grouped = reshape(transpose(reshape(columns, [rows, taps, group, inner]), [2, 1, 3, 0]), [
    group,
    taps * inner,
    rows,
  ]);
  const product = matmul(grouped, transpose(reshape(dyRows, [rows, group, o / group]), [1, 0, 2]));
  return reshape(transpose(reshape(product, [group, taps, inner, o / group]), [0, 3, 2, 1]), [o, inner, kh, kw]);
}

/**
 * For every output pixel and kernel tap, the row of the input pixel under it; the row after the last is the zero
 * padding.
 */
function sourcePixels(
  [n, , h, w]: readonly number[],
  [, , outHeight, outWidth]: readonly number[],
  [kh, kw]: readonly [number, number],
  geometry: ConvGeometry,
): Int32Array {
  const { strides, pads, dilations } = geometry;
  const source = new Int32Array(n * outHeight * outWidth * kh * kw);
  let at = 0;
  for (let image = 0; image < n; image++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        for (let i = 0; i < kh; i++) {
          const row = y * strides[0] - pads[0] + i * dilations[0];
          for (let j = 0; j < kw; j++) {
            const column = x * strides[1] - pads[1] + j * dilations[1];
            const inside = row >= 0 && row < h && column >= 0 && column < w;
            source[at++] = inside ? (image * h + row) * w + column : n * h * w;
          }
        }
      }
    }
  }
  return source;
}
