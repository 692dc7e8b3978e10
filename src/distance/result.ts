// The result of a comparison: the document `layerwise/distance@1`, as `distance --json` prints it and the library
// returns it.
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf } from "../core/index.ts";
import { preflightSchema } from "../hub/index.ts";
import type { Distances } from "./distance.ts";

const maybe = z.number().nullable();
const distance = z.object({
  euclidean: maybe.describe("Euclidean distance; null if it is not finite."),
  cosine: maybe.describe("Cosine of the angle between the two weight vectors; null if one is zero."),
});
export const distancesSchema = z.object({
  full: distance.describe("All layers together."),
  layers: z.record(z.string(), distance).describe("Each layer, by its name."),
});
const end = z.object({ path: z.string().describe("The file or folder, as it was given.") });
/** An end of a measurement or a merge. */
export const endSchema = end.extend({
  sha256: z.string().describe("SHA-256 of the file; of several files, of their hashes one after another."),
});
const layer = z.object({
  name: z.string().describe("The layer's name: a state-dict key without its last component."),
  parameters: z.array(z.string()).readonly().describe("The names of its tensors."),
  size: z.int().min(0).describe("Number of elements in these tensors."),
});

const comparisonSchema = z
  .object({
    schema: z.literal("layerwise/distance@1").describe("The document's name and version."),
    a: end.describe("The first end."),
    b: end.describe("The second end."),
    init: end.optional().describe("The common initialisation, if one was given."),
    preflight: preflightSchema.optional().describe("Two Hugging Face folders only: the check before a merge."),
    layers: z.array(layer).readonly().describe("All layers, in the order of a. Empty if `distance` is null."),
    distance: distancesSchema
      .extend({
        from_init: z
          .object({ a: distancesSchema.describe("End a."), b: distancesSchema.describe("End b.") })
          .optional()
          .describe("The distance of each end from the initialisation, if one was given."),
      })
      .nullable()
      .describe("The distance between a and b; null for two folders whose tensors differ in names or shapes."),
    notes: z
      .array(z.string())
      .readonly()
      .optional()
      .describe("What the distances do not cover, one sentence or more each."),
  })
  .describe("The result of `distance`: how far apart two checkpoints are, layer by layer. Null: not finite.");

type Document = Readonly<z.infer<typeof comparisonSchema>>;

/**
 * The distances of two checkpoints: the document `layerwise/distance@1`, described in docs/reference/distance.md.
 */
export interface Comparison extends Document {
  readonly distance: Distances & { from_init?: { a: Distances; b: Distances } };
}

/** The distances of two Hugging Face folders, if they can be compared, and the check before a merge. */
export interface FolderComparison extends Document {
  readonly preflight: NonNullable<Document["preflight"]>;
  readonly distance: Comparison["distance"] | null;
}

/**
 * The JSON Schema (draft 2020-12) of {@link Comparison}: schemas/distance@1.json of the package.
 * @example
 * ```ts
 * import { comparisonJsonSchema } from "layerwise";
 *
 * console.log(comparisonJsonSchema().title); // layerwise/distance@1
 * ```
 */
export const comparisonJsonSchema = (): JsonSchema => jsonSchemaOf(comparisonSchema, "layerwise/distance@1");
