// Constants that an exporter writes where an operation requires an input that the network does not have: the scale and
// bias of a normalisation without affine parameters, and the initial states of a recurrent layer.
import type { Held } from "../../graph/index.ts";
import { isGenerated } from "../onnx-names.ts";

/** The values without an effect, by operation and input. */
const neutral: Readonly<Record<string, Readonly<Record<number, 0 | 1>>>> = {
  BatchNormalization: { 1: 1, 2: 0 },
  GroupNormalization: { 1: 1, 2: 0 },
  InstanceNormalization: { 1: 1, 2: 0 },
  LayerNormalization: { 1: 1, 2: 0 },
  GRU: { 5: 0 },
  LSTM: { 5: 0, 6: 0 },
  RNN: { 5: 0 },
};

/**
 * The value that makes a tensor such a constant if all its elements have it; undefined for a tensor with a name or a
 * declaration of the model, and for other inputs.
 */
export const neutralValue = ({ name, use, isDeclared }: Held): 0 | 1 | undefined =>
  use && isGenerated(name) && !isDeclared ? neutral[use.op]?.[use.input] : undefined;

/** Whether a tensor with these elements has no effect. */
export function isNeutral(held: Held, elements: ArrayLike<number>): boolean {
  const value = neutralValue(held);
  if (value === undefined) return false;
  for (let i = 0; i < elements.length; i++) if (elements[i] !== value) return false;
  return true;
}
