// Experiments: recipes, their run folders, and carrying them out: plan, train, measure, draw. May import everything below but cli.
export type { ClaimVerdict } from "./claims.ts";
export { type Cost, estimate } from "./estimate.ts";
export { writeExperiments, writeReports } from "./experiments.ts";
export { openRunFolder, previewRunFolder, type RunFolder, runPath } from "./folder.ts";
export { type LogEntry, readLog } from "./log.ts";
export { inRunFolders, type PlannedRun, planRuns, repeated } from "./plan.ts";
export { parseRecipe, type Recipe, readRecipe, recipeHash, recipeSchema, timelineOf } from "./recipe.ts";
export { storedMeasurements, type Written } from "./record.ts";
export { checkRecipe, stepsOf, type Wishes } from "./run.ts";
export { type Scale, scaleNames } from "./scales.ts";
