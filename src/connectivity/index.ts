// Layer-wise mode connectivity: scans, cells, barriers, intervals, the verdict, and the stored result.
// May import: sweep, pairs, distance, models, data, checkpoints, graph, runtime, core.
export { measureApart } from "./apart.ts";
export { intervalOf, perplexityOf, summarise } from "./barrier.ts";
export { type Cell, type Metric, metrics, type RandomBarriers, type Scored } from "./cell.ts";
export { type Interval, mean } from "./interval.ts";
export { sharesOf } from "./lines.ts";
export { extentOf, type MeasureResult, measure } from "./measure.ts";
export type { MeasureOptions } from "./options.ts";
export { assemblePieces, type Piece, piecesOf, pieceTasks, removePieces } from "./pieces.ts";
export { countMixes, mixesOf, planMeasurement } from "./plan.ts";
export {
  encodeMeasurement,
  type Measurement,
  measurementJsonSchema,
  parseMeasurement,
  type StoredMeasurement,
} from "./result.ts";
export { type Bases, loadOrders, type Order, parseScans, planCells, type ScanName } from "./scans.ts";
export { type Drawing, readMeasurement, saveDrawing, saveMeasurement } from "./store.ts";
export { decide } from "./verdict.ts";
