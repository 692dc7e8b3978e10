// The segmented sweep, for networks of any size: the graph is a chain of segments, what mixes have in common up to a segment is computed once, and
// only one segment's weights are in memory.
export { evaluateInSegments } from "./evaluate.ts";
export { statisticsInSegments } from "./statistics.ts";
export type { SegmentedNetwork } from "./template.ts";
