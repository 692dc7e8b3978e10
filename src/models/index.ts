// The networks: one file each, their parameters as data and a forward pass over the graph. They know nothing of files, data sets or training.
// May import: graph, core.
export { dtypeOf, initialise } from "./initialise.ts";
export type { Model, Network, Parameter, Weights } from "./model.ts";
export { holderOf } from "./model.ts";
export { graphParameters, onnxModel, ownTensor, quantisedWeight, stateDictParameters } from "./onnx.ts";
export type { Binding } from "./onnx-candidates.ts";
export { matchWeights } from "./onnx-match.ts";
export { buildModel, findNetwork, networks } from "./registry.ts";
