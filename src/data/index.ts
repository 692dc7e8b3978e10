// The data sets: fixed, ordered lists of samples, read from official, embedded or the user's files, and assembled into
// batches. May import: checkpoints (for .npz), core.
export { archives } from "./archives.ts";
export { arrayDataset, countLabels, relabel } from "./arrays.ts";
export { batchesOf, epochOrder } from "./batches.ts";
export {
  type Batch,
  type BatchOptions,
  type DataOptions,
  type Dataset,
  type Declared,
  type DeclaredInput,
  type InputSpec,
  splits,
} from "./dataset.ts";
export { type Document, findSplit, isDocuments, type Message, readDocuments } from "./documents/index.ts";
export { type BatchShape, batchAt, batchShape, batchSize, largeBatch } from "./evaluation.ts";
export { type FetchOptions, fetchData } from "./fetch.ts";
export { labelNames, type OtherAxis, otherBatchAxes } from "./layout.ts";
export { MissingData } from "./missing.ts";
export {
  imagenetPipeline,
  isPictures,
  type OpenPictures,
  openPictures,
  type PictureDataset,
  type Pipeline,
  plainPipeline,
  readProcessor,
  readTimm,
} from "./pictures/index.ts";
export { dataSources, openData, requireDataName } from "./registry.ts";
export { isRows, type Row, type RowOptions, readRows } from "./rows/index.ts";
export { countWindows, readWindows } from "./windows.ts";
