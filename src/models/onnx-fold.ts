// Exporters fold a batch normalisation into the convolution before it: W' = W g / sqrt(v + e), b' = (b - m) g / sqrt(v + e) + beta. Averaging what was
// folded is not folding the average, so a folded weight is traced back to the parameters that it was made of.
import { sizeOf, type Tensor, toNumbers } from "../core/index.ts";
import { add, div, type Held, mul, neg, reshape, sqrt, sub } from "../graph/index.ts";
import type { Weights } from "./model.ts";
import type { Binding, StateDict } from "./onnx-match.ts";
import { moduleOf } from "./onnx-names.ts";

/** Frameworks' usual epsilons: PyTorch's, Keras's. */
const epsilons = [1e-5, 1e-3];

export interface Unfolded {
  readonly binding: Binding;
  /** The tensors of the state dict that it uses. */
  readonly names: readonly string[];
}

interface Norm {
  readonly end: StateDict;
  readonly epsilon: number;
  /** The name of a part of it: weight, bias, running_mean, running_var. */
  readonly part: (name: string) => string;
  readonly channels: number;
}

/** The origin of a convolution's weight (input 1) or bias (input 2), when the elements of the graph's agree with one of the ends; `own` are those elements. */
export function unfold({ use, shape }: Held, own: Tensor, ends: readonly [StateDict, StateDict]): Unfolded | undefined {
  const [channels] = shape;
  const names = [...ends[0]].flatMap(([name, { shape: size }]) =>
    name.endsWith("running_var") && sizeOf(size) === channels ? [moduleOf(name)] : [],
  );
  for (const name of names) {
    for (const end of ends) {
      for (const epsilon of epsilons) {
        const norm: Norm = { end, epsilon, part: (part) => `${name}.${part}`, channels };
        const found = use!.input === 1 ? unfoldWeight(norm, own) : unfoldBias(norm, own);
        if (found) return found;
      }
    }
  }
  return undefined;
}

function unfoldWeight({ end, epsilon, part, channels }: Norm, own: Tensor): Unfolded | undefined {
  const scale = scaleOf(end, part, epsilon);
  const block = sizeOf(own.shape) / channels;
  const name = sameShape(end, own).find((candidate) => {
    const weight = toNumbers(end.get(candidate)!);
    return isNear(own, (i) => weight[i] * scale[Math.floor(i / block)]);
  });
  if (!name) return undefined;
  const broad = [channels, ...own.shape.slice(1).map(() => 1)];
  return {
    binding: (weights) => mul(weights(name), reshape(scaling(weights, part, epsilon), broad)),
    names: [name, part("weight"), part("running_var")],
  };
}

function unfoldBias({ end, epsilon, part }: Norm, own: Tensor): Unfolded | undefined {
  const scale = scaleOf(end, part, epsilon);
  const [beta, mean] = [part("bias"), part("running_mean")].map((name) => toNumbers(end.get(name)!));
  for (const name of [undefined, ...sameShape(end, own).filter((candidate) => candidate.endsWith("bias"))]) {
    const before = name ? toNumbers(end.get(name)!) : undefined;
    if (!isNear(own, (c) => beta[c] + ((before?.[c] ?? 0) - mean[c]) * scale[c])) continue;
    return {
      binding: (weights) => {
        const centre = weights(part("running_mean"));
        const shifted = name ? sub(weights(name), centre) : neg(centre);
        return add(mul(shifted, scaling(weights, part, epsilon)), weights(part("bias")));
      },
      names: [part("bias"), part("running_mean"), ...(name ? [name] : [])],
    };
  }
  return undefined;
}

const sameShape = (end: StateDict, { shape }: Tensor) =>
  [...end].flatMap(([name, tensor]) => (String(tensor.shape) === String(shape) ? [name] : []));

const scaleOf = (end: StateDict, part: Norm["part"], epsilon: number) => {
  const variance = toNumbers(end.get(part("running_var"))!);
  return Array.from(toNumbers(end.get(part("weight"))!), (g, c) => g / Math.sqrt(variance[c] + epsilon));
};

const scaling = (weights: Weights, part: Norm["part"], epsilon: number) =>
  div(weights(part("weight")), sqrt(add(weights(part("running_var")), epsilon)));

/** Equal but for the rounding of the export. */
function isNear(own: Tensor, wanted: (i: number) => number): boolean {
  const x = toNumbers(own);
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]));
  for (let i = 0; i < x.length; i++) if (!(Math.abs(x[i] - wanted(i)) <= 1e-5 * largest)) return false;
  return true;
}
