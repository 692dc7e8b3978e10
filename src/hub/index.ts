// Hugging Face folders: config.json, the families of decoders as data, their graph, tokenizers and texts. May import: data, models, checkpoints, graph,
// core.
export { findModel, hubNameOf } from "./cache.ts";
export { findCompanions } from "./companions.ts";
export { requireSameNetwork } from "./compare.ts";
export { completeFolder, modelFiles } from "./files.ts";
export {
  type FolderWeights,
  fitWeights,
  hasDescription,
  isBuffer,
  isModelFolder,
  type ModelFolder,
  openWeights,
  readModelFolder,
  weightFileOf,
} from "./folder.ts";
export { writeMergekit } from "./mergekit/config.ts";
export { type MergekitWeights, weightsByMergekit } from "./mergekit/weights.ts";
export { modelOf } from "./model.ts";
export { checkPair, preflightSchema } from "./preflight.ts";
export { requireSameTokenizer } from "./text/same-tokenizer.ts";
export { openText } from "./text/text.ts";
