// The sweep: one network evaluated for many mixes of two sets of weights. May import: training, models, data, graph, runtime, core.
export {
  evaluateInSegments,
  type MixStatistics,
  type SegmentedNetwork,
  type SegmentOptions,
  statisticsInSegments,
  type Write,
} from "./segments/index.ts";
