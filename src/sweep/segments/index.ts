// The segmented sweep, for networks of any size. The graph is a chain of segments, mixes with a common prefix share its
// computation, and only one segment's weights are in memory.
export { evaluateInSegments } from "./evaluate.ts";
export { statisticsInSegments } from "./statistics.ts";
export type { SegmentedNetwork } from "./template.ts";
