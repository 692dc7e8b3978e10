// The record of a merge, `layerwise/merge@1`: what was averaged, and what was measured.
import { join } from "node:path";
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf } from "../core/index.ts";
import { endSchema } from "../distance/index.ts";

const maybe = z.number().nullable();
const names = z.array(z.string()).readonly();

const budgetSchema = z.object({
  limit: z.number().describe("The largest allowed joint barrier: nats for the loss, points for the error."),
  metric: z.string().describe("`loss` or `error`."),
  layers: names.describe("The layers that were chosen."),
  barrier: maybe.describe("Their joint barrier, measured before the file was written."),
  interval: z
    .tuple([z.number(), z.number()])
    .readonly()
    .nullable()
    .describe("95 % confidence interval of the joint barrier over the samples: [low, high]."),
  parameters: z.int().min(0).describe("Elements in the chosen layers."),
  of: z.int().min(0).describe("Elements in all layers that could be chosen."),
  evaluated: z.int().min(0).describe("Number of sets of layers that were evaluated."),
  singles: z.record(z.string(), maybe).describe("The barrier of each layer on its own."),
  method: z.string().describe("How the layers were chosen, in words."),
});

const checkedSchema = z.object({
  samples: z.int().positive().describe("Number of samples."),
  alpha: z.number().describe("The alpha at which the ends' mean is taken."),
  loss: maybe.describe("Mean loss of the written checkpoint, in nats."),
  error: maybe.describe("Error of the written checkpoint, in percent."),
  loss_barrier: maybe.describe("loss - [(1 - alpha) loss(a) + alpha loss(b)], in nats."),
  error_barrier: maybe.describe("The same for the error, in percentage points."),
});

const mergeRecordSchema = z
  .object({
    schema: z.literal("layerwise/merge@1").describe("The document's name and version."),
    a: endSchema.describe("The first end, whose format and metadata the result has."),
    b: endSchema.describe("The second end."),
    out: z
      .object({
        path: z.string().describe("The file or folder that was written."),
        sha256: z.string().describe("SHA-256 of the written weights, as for the ends."),
        files: names.optional().describe("Folders only: every file that merge wrote into it."),
      })
      .describe("The result."),
    base: z.enum(["a", "b"]).describe("The end that the other layers come from."),
    statistics: z.string().describe("Running statistics of averaged layers: `average`, `a` or `recalibrate`."),
    averaged: z.record(z.string(), z.number()).describe("Alpha of every averaged layer."),
    kept: names.describe("The layers that come from the base."),
    parameters: z
      .object({
        averaged: z.int().min(0).describe("Elements in averaged layers."),
        all: z.int().min(0).describe("Elements in all layers."),
      })
      .describe("Sizes."),
    budget: budgetSchema.optional().describe("How the layers were chosen, if `--budget` was given."),
    checked: checkedSchema
      .optional()
      .describe("The written checkpoint evaluated on the samples, if a network and samples were given."),
    notes: names.optional().describe("How the files were read, and what was not averaged; one sentence or more each."),
  })
  .describe("What `merge` did: which layers were averaged, and what was measured. Null: not finite.");

/**
 * What {@link merge} did: the document `layerwise/merge@1`, written as FILE.merge.json or FOLDER/merge.json. Its fields
 * are described in docs/reference/merge.md.
 */
export interface MergeRecord extends Readonly<z.infer<typeof mergeRecordSchema>> {}

/**
 * The JSON Schema (draft 2020-12) of {@link MergeRecord}: schemas/merge@1.json of the package.
 * @example
 * ```ts
 * import { mergeRecordJsonSchema } from "layerwise";
 *
 * console.log(mergeRecordJsonSchema().title); // layerwise/merge@1
 * ```
 */
export const mergeRecordJsonSchema = (): JsonSchema => jsonSchemaOf(mergeRecordSchema, "layerwise/merge@1");

/** The record's file name in a merged folder. */
export const recordName = "merge.json";

/** The path of the record: inside a merged folder (which lists its files), or next to a merged file. */
export const recordPath = ({ path, files }: Pick<MergeRecord["out"], "path" | "files">): string =>
  files ? join(path, recordName) : `${path}.${recordName}`;

export const recordText = (record: MergeRecord): string => `${JSON.stringify(record, null, 1)}\n`;
