// The graph of ONNX operations: building (ops/, composites), differentiation (autodiff, gradients/), lowering to
// operations that run, printing and serialising. May import: core.
export { alignModels, GraphDifference } from "./align.ts";
export * from "./autodiff.ts";
export { completeModel } from "./complete.ts";
export * from "./composites.ts";
export { countOperations } from "./count.ts";
export {
  applyModel,
  applyNode,
  applyStandard,
  axisOf,
  type Dialect,
  type ForeignModel,
  type Held,
  importModel,
  missingValues,
  type Port,
  type Substitute,
} from "./foreign.ts";
export { type Attributes, Graph, inputNames, type Node, nodesOf, type Type, Value, withType } from "./graph.ts";
export { lacksBias } from "./import/dropped.ts";
export { makersOf } from "./import/order.ts";
export { standardVersion } from "./import/traits.ts";
export * from "./lowering/index.ts";
export { axesAreInput, oldest as oldestOperatorSet } from "./operator-sets.ts";
export * from "./ops/index.ts";
export { partFor } from "./part.ts";
export * from "./print.ts";
export { rebuild } from "./rebuild.ts";
export * from "./repeat.ts";
export * from "./serialise.ts";
