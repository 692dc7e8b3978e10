// Defines which networks are large. Large networks are evaluated segment by segment, a few samples at a time: one graph
// with three sets of their weights would need ten times their size in memory. Smaller networks are faster in one graph
// (decision 012 has the numbers).
import { bytesPerElement, sizeOf } from "../core/index.ts";
import { dtypeOf } from "./initialise.ts";
import type { Model } from "./model.ts";

/** Networks with more bytes of weights than this are large. */
const large = 1 << 26;

/** The size of a network's weights in bytes. */
export const weightBytes = ({ parameters }: Pick<Model, "parameters">): number =>
  parameters.reduce((sum, p) => sum + sizeOf(p.shape) * bytesPerElement(dtypeOf(p)), 0);

export const isLarge = (model: Pick<Model, "parameters">): boolean => weightBytes(model) > large;
