// Distances between two files, layer by layer and streamed, and other differences: names, shapes, integer tensors, ONNX
// graphs. Two Hugging Face folders are checked before they are compared. May import: hub, models, checkpoints, graph,
// core.
export { type CompareOptions, compareFiles } from "./compare.ts";
export { type Distance, type Distances, layerDistances, sumsOfPieces } from "./distance.ts";
export { areFolders, compareFolders } from "./folders.ts";
export { alignGraphs, completeGraph, droppedIn, notesOfDropped, readGraph } from "./graph-weights.ts";
export { cannotAverage, requireAverageable } from "./integers.ts";
export { type Aligned, alignCheckpoints, alignWithModel, tiedIn } from "./keys.ts";
export { averagedSums, type Differing, type Kinds, kindsOf, kindsOfFiles, notesOfKept } from "./kinds.ts";
export { type AveragedOf, NothingInCommon } from "./names.ts";
export { type Comparison, comparisonJsonSchema, distancesSchema, endSchema, type FolderComparison } from "./result.ts";
export { findTransposed, mayBeTied, notesOfTransposed } from "./transposed.ts";
