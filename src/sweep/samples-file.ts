// The samples file: every sample's scores of a measurement, as safetensors. This is the schema of its header, the JSON
// at its start; scores.ts writes and reads the file.
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf } from "../core/index.ts";

const count = z.int().min(0);
const offsets = z.tuple([count, count]).describe("First byte and end, counted from the end of the header.");

const tensor = <Shape extends z.ZodType>(shape: Shape) =>
  z.object({ dtype: z.literal("F32").describe("float32."), shape, data_offsets: offsets });

const table = tensor(z.tuple([count, count]).describe("[mixes, samples]."));

const headerSchema = z
  .object({
    __metadata__: z
      .object({
        mixes: z
          .string()
          .describe(
            'The mix of each row, as JSON text: a list of strings, such as `["a a a", "b b b", "a m0.5 a"]`, the ends among them. Each string has one source per layer, separated by spaces, in the order of the document\'s `layers`: `a` or `b` (that end), `m0.5` (the average at alpha 0.5), `ra0.5#2` (random step: end, alpha, number of the draw), `c…` (running statistics recomputed on the samples).',
          ),
      })
      .describe("Text metadata."),
    loss: table.describe("Loss of each sample, natural logarithm. NaN for samples that a mix was not evaluated on."),
    error: table.describe("Error of each sample, 0 to 1. NaN as for the loss, and for regressions."),
    weights: tensor(z.tuple([count]).describe("[samples]."))
      .optional()
      .describe("Weight of each sample in a mean: its number of labels. Only if samples differ in it."),
  })
  .describe(
    "The header of `samples.safetensors`: the scores of every sample for every mix, on the samples of the measurement and in their order.",
  );

/**
 * The JSON Schema (draft 2020-12) of the header of a samples file: schemas/samples.json of the package.
 * @example
 * ```ts
 * import { samplesJsonSchema } from "layerwise";
 *
 * console.log(samplesJsonSchema().title); // layerwise samples file
 * ```
 */
export const samplesJsonSchema = (): JsonSchema => jsonSchemaOf(headerSchema, "layerwise samples file");
