// Layer-wise mode connectivity: scans, cells, barriers, intervals, the verdict, and the stored result.
// May import: sweep, pairs, distance, models, data, checkpoints, graph, runtime, core.
export { intervalOf, perplexityOf, summarise } from "./barrier.ts";
export { type Cell, type Metric, metrics, type RandomBarriers, type Scored } from "./cell.ts";
export { divideFullBarrier } from "./derived.ts";
export { type Interval, mean } from "./interval.ts";
export { type MeasureResult, measure, readExtent } from "./measure.ts";
export { measureApart } from "./measure-apart.ts";
export type { MeasureOptions } from "./options.ts";
export { assemblePieces, makePieceUnits, type Piece, planPieces, removePieces } from "./pieces.ts";
export { countMixes, mixesOf, planMeasurement } from "./plan.ts";
export {
  encodeMeasurement,
  type Measurement,
  measurementJsonSchema,
  measurementSchema,
  parseMeasurement,
  type StoredMeasurement,
} from "./result.ts";
export { type Bases, loadOrders, type Order, parseScans, planCells, type ScanName } from "./scans.ts";
export { type Drawing, readMeasurement, requireResultsFolder, saveDrawing, saveMeasurement } from "./store.ts";
export { decide } from "./verdict.ts";
