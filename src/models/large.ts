// Which networks are large: they are evaluated segment by segment, a few samples at a time, because one graph with three sets of their weights would take
// ten times their size in memory. Smaller ones are faster in one graph (decision 012 has the rule and the numbers).
import { bytesPerElement, sizeOf } from "../core/index.ts";
import { dtypeOf } from "./initialise.ts";
import type { Model } from "./model.ts";

/** Bytes of weights from which on a network is large. */
const large = 1 << 26;

/** Bytes of one set of a network's weights. */
export const weightBytes = ({ parameters }: Pick<Model, "parameters">): number =>
  parameters.reduce((sum, p) => sum + sizeOf(p.shape) * bytesPerElement(dtypeOf(p)), 0);

export const isLarge = (model: Pick<Model, "parameters">): boolean => weightBytes(model) > large;
