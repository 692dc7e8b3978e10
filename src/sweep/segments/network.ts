// What the segmented sweep asks of a network: its graph, where a mix takes each parameter from, and the tensor of a parameter from there.
import type { Tensor } from "../../core/index.ts";
import type { Parameter } from "../../models/index.ts";
import type { Pair } from "../../pairs/index.ts";

export interface SegmentedNetwork<M> extends Pick<Pair, "model" | "inputs"> {
  /** A parameter's source in a mix, as a key: mixes with equal keys use one tensor. */
  sourceOf(parameter: string, mix: M): string;
  /** The tensor of a parameter from a source. It is asked for when a segment needs it and let go after the segment. */
  weight(source: string, parameter: Parameter): Promise<Tensor>;
}
