// Layer-wise mode connectivity: layers, scans, the sweep over mixes, barriers, distances, verdict, and the stored result.
// May import: training, models, data, checkpoints, graph, runtime, core.
export { measureApart } from "./apart.ts";
export { barriers, summarise } from "./barrier.ts";
export { type Cell, type Metric, metrics, type Scored } from "./cell.ts";
export { type Comparison, compareFiles } from "./compare.ts";
export { compareKeys, requireFinite, tiedIn, withCheckpoints } from "./ends.ts";
export { evaluateMixes, type SampleScores } from "./evaluate.ts";
export { requireFit } from "./fit.ts";
export { differenceInterval, mean, meanInterval } from "./interval.ts";
export { type Grouping, groupLayers, type Layer, matchLayers } from "./layers.ts";
export { sharesOf } from "./lines.ts";
export {
  extentOf,
  type MeasureOptions,
  type MeasureResult,
  measure,
  type Prepared,
  prepare,
} from "./measure.ts";
export type { MeasureProgress } from "./measure.work.ts";
export { type Mix, mixKey, mixOf, orderMixes } from "./mixes.ts";
export { average } from "./pair.ts";
export { assemblePieces, type Piece, piecesOf, pieceTasks, removePieces } from "./pieces.ts";
export { countMixes, layersOf } from "./plan.ts";
export { recalibrate } from "./recalibrate.ts";
export {
  encodeMeasurement,
  type Measurement,
  measurementJsonSchema,
  parseMeasurement,
  type StoredMeasurement,
} from "./result.ts";
export { emptyScores } from "./sampling.ts";
export {
  type Bases,
  loadOrders,
  type Order,
  parseScans,
  planCells,
  type ScanName,
} from "./scans.ts";
export { readMeasurement, readSamples, type SampleTable, saveDrawing, saveMeasurement, saveSamples } from "./store.ts";
export { openMember, openSubject } from "./subject.ts";
export { buildSweep, sweepWeights, weightName } from "./sweep.ts";
export { decide } from "./verdict.ts";
export { requireSameWhole } from "./whole.ts";
