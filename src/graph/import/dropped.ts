// Biases that an operation may lack, which means zeros. Exporters and optimisers drop biases of zeros, such as those of
// a new network, so of two exports of one network only one may have them.
import type { NodeProto } from "onnx-buf";
import { bytesPerElement, sizeOf, tensorFromBytes } from "../../core/index.ts";
import type { Held } from "../foreign.ts";

/** The indices of such inputs. */
const biases: Readonly<Record<string, readonly number[]>> = {
  Conv: [2],
  ConvTranspose: [2],
  DeformConv: [3],
  GRU: [3],
  Gemm: [2],
  LSTM: [3],
  LayerNormalization: [2],
  RNN: [3],
  "com.microsoft.Attention": [2],
  "com.microsoft.FastGelu": [1],
  "com.microsoft.FusedConv": [2],
  "com.microsoft.FusedGemm": [2],
  "com.microsoft.MultiHeadAttention": [3],
  "com.microsoft.SkipLayerNormalization": [3, 4],
  "com.microsoft.SkipSimplifiedLayerNormalization": [3],
};

/** Whether an operation without this input computes the same as with zeros. */
export const mayDrop = (node: NodeProto, input: number): boolean => biasesOf(node).includes(input);

const biasesOf = ({ domain, opType }: NodeProto) => biases[domain ? `${domain}.${opType}` : opType] ?? [];

/** Whether an operation lacks such a bias. */
export const lacksBias = (node: NodeProto): boolean => biasesOf(node).some((j) => !node.input[j]);

/** The zeros that a file lacks where another has a bias. */
export function droppedBias({ dtype, shape, isDeclared }: Held, name: string): Held {
  const tensor = tensorFromBytes(dtype, shape, new Uint8Array(sizeOf(shape) * bytesPerElement(dtype)));
  return { name, dtype, shape, tensor, isDeclared, isDropped: true };
}
