// The result of a comparison: the document `layerwise/distance@1`, as `distance --json` prints it and the library
// returns it.
import { z } from "zod";
import { preflightSchema } from "../hub/index.ts";
import type { Distances } from "./distance.ts";

/** Null if not finite; a cosine is also null for a zero vector. */
const maybe = z.number().nullable();
const distance = z.object({ euclidean: maybe, cosine: maybe });
const distances = z.object({ full: distance, layers: z.record(z.string(), distance) });
const end = z.object({ path: z.string() });

const comparisonSchema = z.object({
  schema: z.literal("layerwise/distance@1"),
  a: end,
  b: end,
  /** The common initialisation, if given. */
  init: end.optional(),
  /** For two Hugging Face folders: the check before a merge. */
  preflight: preflightSchema.optional(),
  layers: z
    .array(z.object({ name: z.string(), parameters: z.array(z.string()).readonly(), size: z.int().min(0) }))
    .readonly(),
  /**
   * `from_init`: each end from the initialisation. Null (and no layers) for two folders whose tensors differ in names
   * or shapes.
   */
  distance: distances.extend({ from_init: z.object({ a: distances, b: distances }).optional() }).nullable(),
  /** Notes on what the distances leave out. */
  notes: z.array(z.string()).readonly().optional(),
});

type Document = Readonly<z.infer<typeof comparisonSchema>>;

/** The distances of two checkpoints. */
export interface Comparison extends Document {
  readonly distance: Distances & { from_init?: { a: Distances; b: Distances } };
}

/** The distances of two Hugging Face folders, if they can be compared, and the check before a merge. */
export interface FolderComparison extends Document {
  readonly preflight: NonNullable<Document["preflight"]>;
  readonly distance: Comparison["distance"] | null;
}

/** The document's JSON Schema. */
export const comparisonJsonSchema = (): unknown => z.toJSONSchema(comparisonSchema);
