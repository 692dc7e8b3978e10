// Hugging Face folders: config.json, the families of decoders as data, their graph, tokenizers and texts. May import: data, models, checkpoints, graph,
// core.
export { findModel } from "./cache.ts";
export { differencesOf } from "./compare.ts";
export { layersOfDecoder } from "./decoder/groups.ts";
export { completeFolder, modelFiles } from "./files.ts";
export { fitWeights, isModelFolder, type ModelFolder, openWeights, readModelFolder } from "./folder.ts";
export { modelOf } from "./model.ts";
export { openText } from "./text/text.ts";
