// The types that the functions of the public library (index.ts) take and give, beside those that docs/library.md lists.
export type { Bases, Drawing, Interval, RandomBarriers, Scored } from "./connectivity/index.ts";
export type { DType, JsonSchema, TypedArray } from "./core/index.ts";
export type { Batch, BatchOptions, Declared, DeclaredInput, FetchOptions, InputSpec } from "./data/index.ts";
export type { CompareOptions, Distance, Distances } from "./distance/index.ts";
export type {
  ClaimVerdict,
  LogEntry,
  PiecesOptions,
  PiecesResult,
  PlannedReproduction,
  ReadOptions,
  StepTime,
  WorkOptions,
} from "./experiments/index.ts";
export type { LocalSettings, SlurmSettings } from "./jobs/index.ts";
export type { MergeProgress } from "./merging/index.ts";
export type { Grouping, Initial, Inputs, Parameter, Shapes, Sizes, Training, Weights } from "./models/index.ts";
export type { Keys, ModelSpec, Task } from "./pairs/index.ts";
export type { Measured, Rendered, RunRecord } from "./report/index.ts";
export type { Device, RuntimeOptions } from "./runtime/index.ts";
export type { Mix, Progress, SampleScores, Scores, Statistics } from "./sweep/index.ts";
