// Layer-wise mode connectivity: layers, scans, the sweep over mixes, barriers, distances, verdict, and the stored result.
// May import: training, models, data, checkpoints, graph, runtime, core.
export { measureApart } from "./apart.ts";
export { type Grouping, groupLayers, type Layer, layerIndex } from "./layers.ts";
export { type MeasureOptions, type MeasureResult, type Metric, measure } from "./measure.ts";
export { mixOf, orderMixes } from "./mixes.ts";
export { type Measurement, measurementJsonSchema, parseMeasurement } from "./result.ts";
export { type Bases, type Cell, parseScans, planCells, type ScanName } from "./scans.ts";
export { saveMeasurement, saveSamples } from "./store.ts";
export { buildSweep, sweepWeights } from "./sweep.ts";
