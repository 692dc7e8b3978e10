// Which tensors are worth comparing, to find those that are one weight under several names.
import { isFloating, sizeOf, type Tensor } from "../core/index.ts";

/** Equal vectors may be so by chance: zero biases, the ones of a fresh normalisation. */
export const mayBeTied = ({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): boolean =>
  isFloating(dtype) && shape.length >= 2 && sizeOf(shape) >= 16;
