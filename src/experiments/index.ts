// Experiments: recipes and their run folders; plans, trains, measures and draws them. May import everything but cli.

export type { ClaimVerdict } from "./claims/judge.ts";
export { quantityTable } from "./claims/quantities.ts";
export type { Cost } from "./cost/estimate.ts";
export type { StepTime } from "./cost/step-time.ts";
export {
  type PlanDocument,
  planJsonSchema,
  type ReportDocument,
  type ReproduceDocument,
  reportJsonSchema,
  reproduceJsonSchema,
  type TrainDocument,
  trainJsonSchema,
} from "./documents.ts";
export { measureInPieces, type PiecesOptions, type PiecesResult } from "./measure-in-pieces.ts";
export {
  parseRecipe,
  type ReadOptions,
  type Recipe,
  readRecipe,
  readRecipes,
  recipeJsonSchema,
  type Scale,
  timelineOf,
} from "./recipe/index.ts";
export {
  type PlannedReproduction,
  planReproduction,
  type Reproduced,
  type ReproduceOptions,
  reproduce,
  trainRecipe,
  type WorkOptions,
} from "./reproduce.ts";
export { storedMeasurements, type Written } from "./results/record.ts";
export { writeReports } from "./results/write.ts";
export type { LogEntry } from "./run-folder/log.ts";
