// What the segmented sweep asks of a network: its graph, where a mix takes each parameter from, and the tensor of a parameter from there.
import type { Tensor } from "../../core/index.ts";
import type { Model, Parameter } from "../../models/index.ts";

export interface SegmentedNetwork<M> {
  readonly model: Model;
  /** A parameter's source in a mix, as a key: mixes with equal keys use one tensor. */
  sourceOf(parameter: string, mix: M): string;
  /** The tensor of a parameter from a source. It is asked for when a segment needs it and let go after the segment. */
  weight(source: string, parameter: Parameter): Promise<Tensor>;
}
