// Hugging Face folders: config.json, the families of networks, their graphs, tokenizers and samples. May import: data, models, checkpoints, graph,
// core.
export { differencesOf, labelDifference } from "./compare.ts";
export { completeFolder } from "./completion.ts";
export { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "./folder.ts";
export { layersOfModel, modelOf } from "./model.ts";
export { arraysOf, type NetworkTask } from "./network.ts";
export { openSamples } from "./samples.ts";
export { isStateDict, isTorchvision, readStateDict } from "./state-dict.ts";
