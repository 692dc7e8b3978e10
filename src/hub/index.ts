// Hugging Face folders: config.json, the families of networks, their graphs, tokenizers and samples. May import: data, models, checkpoints, graph,
// core.
export { findModel, hubNameOf } from "./cache.ts";
export { requireSameNetwork } from "./compare.ts";
export { completeFolder, modelFiles } from "./files.ts";
export {
  type FolderWeights,
  fitWeights,
  hasDescription,
  isModelFolder,
  type ModelFolder,
  openWeights,
  readModelFolder,
  weightFileOf,
} from "./folder.ts";
export { writeMergekit } from "./mergekit/config.ts";
export { type MergekitWeights, weightsByMergekit } from "./mergekit/weights.ts";
export { layersOfModel, modelOf } from "./model.ts";
export { arraysOf, type NetworkTask } from "./network.ts";
export { checkPair, preflightSchema } from "./preflight.ts";
export { openSamples } from "./samples.ts";
export { requireSameTokenizer } from "./text/same-tokenizer.ts";
export { openText } from "./text/text.ts";
