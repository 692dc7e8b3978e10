// The public library: re-exports, nothing else.
export * from "./checkpoints/index.ts";
export * from "./connectivity/index.ts";
export * from "./core/index.ts";
export * from "./data/index.ts";
export * from "./distance/index.ts";
export * from "./experiments/index.ts";
export * from "./federated/index.ts";
export * from "./graph/index.ts";
export * from "./merging/index.ts";
export * from "./models/index.ts";
export * from "./pairs/index.ts";
export * from "./report/index.ts";
export * from "./runtime/index.ts";
export * from "./sweep/index.ts";
export * from "./training/index.ts";
