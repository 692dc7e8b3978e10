// A block of ConvNeXt: a depthwise convolution, then a norm and an MLP over the channels. Each library has its own
// names for the parts.
import { add, linear, mul, reshape, transpose, type Value } from "../../../graph/index.ts";
import { activations } from "../../activations.ts";
import type { Modules } from "../../traced/modules.ts";

/** Epsilon of the norms within the network. */
export const blockEpsilon = 1e-6;

export interface BlockNames {
  readonly scale: string;
  readonly depthwise: string;
  readonly norm: string;
  readonly up: string;
  readonly down: string;
}

export interface BlockSettings {
  readonly names: BlockNames;
  readonly activation: keyof typeof activations;
  readonly epsilon?: number;
  /** The shape of the scale; undefined if there is none. */
  readonly scaleShape?: readonly number[];
  /** The MLP's layers are stored as 1x1 convolutions. */
  readonly isConvolved?: boolean;
  /** Inner channels of the MLP, as a multiple of the outer ones. */
  readonly ratio?: number;
  readonly kernel?: number;
}

const channelsLast = (x: Value) => transpose(x, [0, 2, 3, 1]);
const channelsFirst = (x: Value) => transpose(x, [0, 3, 1, 2]);

/** Norm over the channels of [n, channels, h, w]. */
export const normChannels = (modules: Modules, name: string, x: Value, epsilon = blockEpsilon): Value =>
  channelsFirst(modules.layerNorm(name, channelsLast(x), epsilon));

/** x [n, channels, h, w] gives the same shape. */
export function applyConvNextBlock(modules: Modules, x: Value, settings: BlockSettings): Value {
  const {
    names,
    activation,
    epsilon = blockEpsilon,
    scaleShape,
    isConvolved = false,
    ratio = 4,
    kernel = 7,
  } = settings;
  const channels = x.shape[1];
  const scale = scaleShape && modules.parameter(names.scale, scaleShape);
  const padding = (kernel - 1) / 2;
  const mixed = modules.conv(names.depthwise, x, channels, { kernel, stride: 1, padding, groups: channels });
  const normal = modules.layerNorm(names.norm, channelsLast(mixed), epsilon);
  const project = (name: string, value: Value, out: number) =>
    isConvolved ? pointwise(modules, name, value, out) : modules.linear(name, value, out);
  const wide = activations[activation](project(names.up, normal, Math.trunc(ratio * channels)));
  const changed = project(names.down, wide, channels);
  return add(x, channelsFirst(scale ? mul(changed, reshape(scale, [channels])) : changed));
}

/** A 1x1 convolution over the last axis. */
function pointwise(modules: Modules, name: string, x: Value, out: number): Value {
  const inner = x.shape.at(-1)!;
  const weight = modules.parameter(`${name}.weight`, [out, inner, 1, 1]);
  return linear(x, reshape(weight, [out, inner]), modules.parameter(`${name}.bias`, [out]));
}
