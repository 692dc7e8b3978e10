// Experiments: recipes, their run folders, and carrying them out: plan, train, measure, draw. May import everything below but cli.
export type { ClaimVerdict } from "./claims/judge.ts";
export { quantityTable } from "./claims/quantities.ts";
export { type Cost, estimate } from "./cost/estimate.ts";
export { inRunFolders, type PlannedRun, planRuns, repeated } from "./plan.ts";
export {
  parseRecipe,
  type Recipe,
  readRecipe,
  recipeHash,
  recipeSchema,
  type Scale,
  scaleNames,
  timelineOf,
} from "./recipe/index.ts";
export { storedMeasurements, type Written } from "./results/record.ts";
export { writeExperiments, writeReports } from "./results/write.ts";
export { openRunFolder, previewRunFolder, type RunFolder, runPath } from "./run-folder/folder.ts";
export { type LogEntry, readLog } from "./run-folder/log.ts";
export { checkRecipe, stepsOf, type Wishes } from "./work.ts";
