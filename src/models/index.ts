// The built-in networks, one file each: their parameters as data, and a forward pass that builds a graph. Independent
// of files, data sets and training. May import: graph, core.
export { normalise } from "./batch-norm.ts";
export { dtypeOf, initialise } from "./initialise.ts";
export {
  hasFreeSize,
  isAveraged,
  isOptional,
  isQuantising,
  type Kind,
  type KindTensor,
  kindOf,
  mayBeMask,
} from "./kinds.ts";
export { isLarge, weightBytes } from "./large.ts";
export {
  type Grouping,
  groupLayers,
  type Layer,
  type LayerTensor,
  layerIndex,
  layersOf,
  matchLayers,
} from "./layers.ts";
export type { Initial, Inputs, Model, Network, Parameter, Shapes, Sizes, Training, Weights } from "./model.ts";
export { holderOf } from "./model.ts";
export { findFactors } from "./naming/adapters.ts";
export { groupBy } from "./naming/group-by.ts";
export { isNeutral, neutralValue } from "./naming/neutral.ts";
export { moduleOf } from "./naming/paths.ts";
export { isCaptured, isComputed, isGenerated, modulePath } from "./onnx-names.ts";
export { graphParameters, joinTransposed, quantisedWeight, stateDictParameters } from "./onnx-parameters.ts";
export { buildModel, findNetwork, networks, requireSizes } from "./registry.ts";
export { batchScores, classification, scoresOf } from "./scores.ts";
