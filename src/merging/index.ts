// Merging: choosing the layers to average under a budget, and writing the averaged checkpoint in the format of its
// first end. May import: connectivity, sweep, pairs, distance, models, data, checkpoints, core.
export { mergeApart } from "./apart.ts";
export { type MergeOptions, type MergeProgress, type MergeRecord, merge } from "./merge.ts";
export { mergeRecordJsonSchema, recordPath } from "./record.ts";
