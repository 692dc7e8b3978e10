// The average of two tensors.
import { fromNumbers, type Tensor, toNumbers } from "./tensor.ts";

/** (1 - alpha) a + alpha b, computed in double precision and rounded once to the dtype. */
export function average(a: Tensor, b: Tensor, alpha: number, dtype: Tensor["dtype"] = "float32"): Tensor {
  if (alpha === 0) return convert(a, dtype);
  if (alpha === 1) return convert(b, dtype);
  const [x, y] = [toNumbers(a), toNumbers(b)];
  const mixed = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) mixed[i] = (1 - alpha) * x[i] + alpha * y[i];
  return fromNumbers(dtype, a.shape, mixed);
}

/** The same elements in another floating dtype. */
export const convert = (tensor: Tensor, dtype: Tensor["dtype"]): Tensor =>
  tensor.dtype === dtype ? tensor : fromNumbers(dtype, tensor.shape, toNumbers(tensor));
