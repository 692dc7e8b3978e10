// PyTorch's initial distributions. Every parameter is drawn from its own random stream, so the order of parameters does
// not matter.
import { type DType, randomStream, type Tensor, tensor } from "../core/index.ts";
import { holderOf, type Initial, type Model, type Parameter } from "./model.ts";

/** The number of inputs of an output unit, for a weight [out, in, …kernel]. */
const fanIn = (shape: readonly number[]) => shape.slice(1).reduce((product, n) => product * n, 1);

/**
 * torch.nn's default for the weight (and, with the weight's shape, the bias) of Conv2d and Linear:
 * kaiming_uniform_(a=sqrt 5).
 */
export const defaultUniform = (weightShape: readonly number[]): Initial => ({
  kind: "uniform",
  bound: 1 / Math.sqrt(fanIn(weightShape)),
});

/** kaiming_normal_(mode="fan_out", nonlinearity="relu"): torchvision's for convolutions (He et al. 2015). */
export const kaimingNormal = ([out, , ...kernel]: readonly number[]): Initial => ({
  kind: "normal",
  deviation: Math.sqrt(2 / kernel.reduce((product, n) => product * n, out)),
});

export const normal = (deviation: number): Initial => ({ kind: "normal", deviation });

export const constant = (value: number): Initial => ({ kind: "constant", value });

/** The storage type of a parameter. */
export const dtypeOf = ({ kind, dtype }: Parameter): DType => dtype ?? (kind === "counter" ? "int64" : "float32");

/** Draws the initial parameters of a network; the same seed gives the same numbers. Tied names have one tensor. */
export function initialise(model: Model, seed: number): Map<string, Tensor> {
  const drawn = new Map(model.parameters.map((parameter) => [parameter.name, draw(parameter, seed)]));
  const holder = holderOf(model.tied);
  return new Map([...drawn.keys()].map((name) => [name, drawn.get(holder(name))!]));
}

function draw(parameter: Parameter, seed: number): Tensor {
  const { name, shape, initial } = parameter;
  if (!initial) throw new Error(`${name} has no initial distribution`);
  const result = tensor(dtypeOf(parameter), shape);
  const random = randomStream(seed, "initialise", name);
  const { data } = result;
  for (let i = 0; i < data.length; i++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = 0n;
    else if (initial.kind === "constant") data[i] = initial.value;
    else if (initial.kind === "uniform") data[i] = (2 * random.uniform() - 1) * initial.bound;
    else data[i] = random.normal() * initial.deviation;
  }
  return result;
}
