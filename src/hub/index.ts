// Hugging Face folders: config.json, families of networks, their graphs, tokenizers and samples. May import: data,
// models, checkpoints, graph, core.
export { findModel, hubNameOf } from "./cache.ts";
export { findCompanions } from "./companions.ts";
export { requireSameNetwork } from "./comparison/compare.ts";
export { checkPair, preflightSchema } from "./comparison/preflight.ts";
export { isStateDict, isTorchvision, readStateDict } from "./families/torchvision/state-dict.ts";
export { completeFolder, modelFiles } from "./files.ts";
export { fitWeights } from "./fit-weights.ts";
export {
  type FolderWeights,
  hasDescription,
  isModelFolder,
  type ModelFolder,
  openWeights,
  readModelFolder,
  weightFileOf,
} from "./folder.ts";
export { attachTexts } from "./images/texts.ts";
export { type MergekitAlphas, readMergekitAlphas } from "./mergekit/alphas.ts";
export { writeMergekit } from "./mergekit/config.ts";
export { modelOf } from "./model.ts";
export { arraysOf, givenNames, type NetworkTask } from "./network.ts";
export { openSamples } from "./samples.ts";
export { requireSameTokenizer } from "./text/same-tokenizer.ts";
export { openText } from "./text/text.ts";
