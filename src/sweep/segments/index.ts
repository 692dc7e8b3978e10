// The segmented sweep, for networks of any size: the graph is a chain of segments, what mixes have in common up to a segment is computed once, and
// only one segment's weights are in memory.
export { evaluateInSegments, type SegmentOptions, type Write } from "./evaluate.ts";
export type { SegmentedNetwork } from "./network.ts";
export { type MixStatistics, statisticsInSegments } from "./statistics.ts";
