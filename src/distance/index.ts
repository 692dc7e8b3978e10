// Distances between two files, layer by layer and streamed, and what differs between them: names, shapes, whole numbers, the graphs of ONNX files.
// May import: models, checkpoints, graph, core.
export { type Comparison, compareFiles } from "./compare.ts";
export { layerDistances, sumsOfPieces } from "./distance.ts";
export { alignGraphs, readGraph } from "./graph-weights.ts";
export { alignCheckpoints, alignWithModel, tiedIn } from "./keys.ts";
export { averagedSums, type Differing, type Kinds, kindsOf, kindsOfFiles, notesOfKept } from "./kinds.ts";
export { mayBeTied } from "./tied.ts";
export { findTransposed, notesOfTransposed } from "./transposed.ts";
export { cannotAverage, requireAverageable } from "./whole.ts";
