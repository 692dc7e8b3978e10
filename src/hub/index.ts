// Hugging Face folders: config.json, the families of decoders as data, their graph, tokenizers and texts. May import: data, models, checkpoints, graph,
// core.
export { differencesOf } from "./compare.ts";
export { layersOfDecoder, tiedIn } from "./decoder/groups.ts";
export {
  type FolderWeights,
  hasDescription,
  isModelFolder,
  type ModelFolder,
  openWeights,
  readModelFolder,
} from "./folder.ts";
export { modelOf } from "./model.ts";
export { checkPair, preflightSchema } from "./preflight.ts";
export { openText } from "./text/text.ts";
