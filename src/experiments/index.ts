// Experiments: recipes, their run folders, and carrying them out: train, measure, draw. May import everything below but cli.
export { networkNames, openRunFolder, type RunFolder, runPath } from "./folder.ts";
export { type LogEntry, readLog } from "./log.ts";
export { measuredEpochs, parseRecipe, type Recipe, readRecipe, recipeHash, recipeSchema } from "./recipe.ts";
export { writeReport } from "./record.ts";
export { checkRecipe, measureRun, type RunOptions, trainRun } from "./run.ts";
