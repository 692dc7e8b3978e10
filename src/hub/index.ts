// Hugging Face folders: config.json, the families of decoders as data, their graph, tokenizers and texts. May import: data, models, checkpoints, graph,
// core.
export { differencesOf } from "./compare.ts";
export { decode } from "./decoder/graph.ts";
export { groupParameters, layersOfDecoder, tiedIn } from "./decoder/groups.ts";
export { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "./folder.ts";
export { openText } from "./text/text.ts";
