/**
 * The library: measuring, comparing and merging checkpoints, and reproducing experiments. docs/library.md says what
 * each name is for. The examples run in a copy of docs/examples.
 * @module layerwise
 */

export {
  type Cell,
  encodeMeasurement,
  type Measurement,
  type MeasureOptions,
  type MeasureResult,
  type Metric,
  measure,
  measurementJsonSchema,
  type Order,
  parseMeasurement,
  parseScans,
  readMeasurement,
  type StoredMeasurement,
  saveMeasurement,
} from "./connectivity/index.ts";
export { type Tensor, UserError } from "./core/index.ts";
export { type DataOptions, type Dataset, fetchData, openData } from "./data/index.ts";
export {
  type Comparison,
  compareFiles,
  compareFolders,
  comparisonJsonSchema,
  type FolderComparison,
} from "./distance/index.ts";
export {
  type Cost,
  measureInPieces,
  parseRecipe,
  planReproduction,
  type Recipe,
  type Reproduced,
  type ReproduceOptions,
  readRecipe,
  readRecipes,
  recipeJsonSchema,
  reproduce,
  type Scale,
  trainRecipe,
  type Written,
  writeReports,
} from "./experiments/index.ts";
export type { EngineSettings } from "./jobs/index.ts";
export { type MergeOptions, type MergeRecord, merge, mergeRecordJsonSchema } from "./merging/index.ts";
export { type Model, type Network, networks } from "./models/index.ts";
export { renderMeasurement } from "./report/index.ts";
export { samplesJsonSchema } from "./sweep/index.ts";
export * from "./types.ts";
