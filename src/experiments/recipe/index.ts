// Recipes: schema, finding, reading, hashes, and training settings.
export { type ReadOptions, readRecipes } from "./find.ts";
export { networkHash, recipeHash, seedsOf } from "./identity.ts";
export { parseRecipe, readRecipe } from "./read.ts";
export type { Scale } from "./scales.ts";
export { type Claim, claimSchema, type Recipe, recipeJsonSchema, recipeSchema, startsFromFolder } from "./schema.ts";
export { modelSizes, rateOf, timelineOf, trainingData } from "./training.ts";
