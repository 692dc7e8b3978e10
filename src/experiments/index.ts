// Experiments: recipes, their run folders, and carrying them out: plan, train, measure, draw. May import everything
// below but cli.
export { quantityTable } from "./claims/quantities.ts";
export type { Cost } from "./cost/estimate.ts";
export { measureInPieces } from "./measure-in-pieces.ts";
export {
  parseRecipe,
  type Recipe,
  readRecipe,
  readRecipes,
  recipeJsonSchema,
  type Scale,
  timelineOf,
} from "./recipe/index.ts";
export { planReproduction, type Reproduced, type ReproduceOptions, reproduce, trainRecipe } from "./reproduce.ts";
export { storedMeasurements, type Written } from "./results/record.ts";
export { writeReports } from "./results/write.ts";
