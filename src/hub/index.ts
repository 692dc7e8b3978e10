// Hugging Face folders: config.json, the families of decoders as data, their graph, tokenizers and texts. May import: data, models, checkpoints, graph,
// core.
export { differencesOf } from "./compare.ts";
export { decode } from "./decoder-graph.ts";
export { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "./folder.ts";
export { groupParameters, layersOfDecoder, tiedIn } from "./groups.ts";
export { openText } from "./text.ts";
