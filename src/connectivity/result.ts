// The stored result of a measurement: the document `layerwise/measure@1`, validated on reading. Other programs rely on
// its names. Its cells are decoded in memory (cell.ts).
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf, UserError } from "../core/index.ts";
import { splits } from "../data/index.ts";
import { distancesSchema, endSchema } from "../distance/index.ts";
import { type Cell, cellSchema, decodeCell, encodeCell, metrics } from "./cell.ts";

const maybe = z.number().nullable();
const scores = z.object({
  loss: maybe.describe("Mean loss in nats; per token for a language model."),
  error: maybe.describe("Error in percent; of next tokens for a language model. Null for a regression."),
  perplexity: maybe.optional().describe("Language models only: the exponential of the loss."),
});

const peak = z.object({
  alpha: z.number().describe("The alpha with the largest barrier."),
  barrier: z.number().describe("The largest barrier; nats of loss, points of error."),
});
const lineSchema = z.object({
  scan: z.string().describe("The scan, as in the cells."),
  layer: z.string().nullable().describe("The layer, as in the cells."),
  base: z.enum(["a", "b"]).nullable().describe("The base, as in the cells."),
  max_loss: peak.nullable().describe("Largest loss barrier; null if one is not finite or the loss was not measured."),
  max_error: peak
    .nullable()
    .describe("Largest error barrier; null if one is not finite or the error was not measured."),
});

const partsSchema = z.object({
  even: z.number().describe("The full barrier divided by the number of layers."),
  by_parameters: z
    .record(z.string(), z.number())
    .describe("For each layer, the full barrier times the layer's fraction of the parameters."),
});
const sharesSchema = z.object({
  loss: partsSchema.optional().describe("The loss barrier, in nats."),
  error: partsSchema.optional().describe("The error barrier, in points."),
});

const samplesSchema = z.object({
  name: z.string().describe("The data set, or the file of the samples."),
  split: z.enum(splits).describe("The split."),
  samples: z.int().positive().describe("Number of samples evaluated; fewer than asked for if `precision` was reached."),
  sha256: z.string().describe("SHA-256 of the evaluated samples and labels."),
});

const layerSchema = z.object({
  name: z.string().describe("The layer's name: a state-dict key without its last component."),
  parameters: z.array(z.string()).readonly().describe("The names of its tensors, running statistics included."),
  size: z.int().min(0).describe("Number of elements in these tensors."),
});

const verdictSchema = z.object({
  average: z.array(z.string()).describe("Layers whose whole interval is at most the tolerance, on every base."),
  keep: z
    .array(z.string())
    .describe("Layers whose whole interval is above the tolerance, on one base at least, or whose loss is not finite."),
  undecided: z.array(z.string()).optional().describe("Layers whose interval contains the tolerance."),
  tolerance: z.number().optional().describe("The largest accepted loss barrier, in nats."),
  alpha: z.number().optional().describe("The alpha that was judged: 0.5, or the nearest one measured."),
  reason: z.string().describe("The verdict in words."),
});

export const measurementSchema = z
  .object({
    schema: z.literal("layerwise/measure@1").describe("The document's name and version."),
    a: endSchema.describe("The first end."),
    b: endSchema.describe("The second end."),
    model: z
      .looseObject({ name: z.string().describe("The built-in network, the ONNX graph, or the folder.") })
      .describe(
        "The network: its name, and the sizes of a built-in network (such as `width`) or what was found in a graph or folder (such as `task`).",
      ),
    data: samplesSchema.describe("The samples on which every cell was evaluated."),
    layers: z.array(layerSchema).describe("All layers, in the model's order."),
    ends: z
      .object({ a: scores.describe("End a."), b: scores.describe("End b.") })
      .describe("The scores of the ends themselves, on the same samples."),
    metrics: z
      .array(z.enum(["loss", "error"]))
      .optional()
      .describe("The metrics measured; fields of the other one are null. Older documents lack this and have both."),
    cells: z.array(cellSchema).describe("One entry for each averaged network: per scan, alpha, layer and base."),
    layer_alphas: z
      .record(z.string(), z.number())
      .optional()
      .describe(
        "Alpha of every layer, if layers have their own. The `alpha` of a cell is then what its layers have in common, or 0.5. Older documents call this field `weights`.",
      ),
    lines: z
      .array(lineSchema)
      .optional()
      .describe("If several alphas were measured: for each scan, layer and base the largest barrier over them."),
    shares: sharesSchema
      .optional()
      .describe("The full barrier at alpha 0.5, divided among the layers, to compare a layer's own barrier with."),
    distance: distancesSchema
      .extend({
        from_init: z
          .object({ a: distancesSchema.describe("End a."), b: distancesSchema.describe("End b.") })
          .optional()
          .describe("The distance of each end from its own initialisation, if those were given."),
      })
      .describe("The distance between a and b. Equal infinities at the same position are left out."),
    verdict: verdictSchema.describe("Which layers can be averaged, judged by the loss barriers of the scan `single`."),
    notes: z.array(z.string()).optional().describe("Remarks for the reader, one sentence or more each."),
  })
  .describe(
    "The result of `measure`: loss and error of every averaged network on one set of samples, with barriers, intervals and a verdict. Null: not finite, or not measured.",
  );

/** The document `layerwise/measure@1` as it is stored. Its fields are described in docs/reference/measure.md. */
export type StoredMeasurement = z.infer<typeof measurementSchema>;

/**
 * The result of a measurement in memory: the fields of {@link StoredMeasurement}, but for the cells, in which each
 * metric is an object.
 */
export interface Measurement extends Omit<StoredMeasurement, "cells"> {
  readonly cells: readonly Cell[];
}

/**
 * The stored form of a measurement, `layerwise/measure@1`, for JSON.
 * @example
 * ```ts
 * import { encodeMeasurement, measure } from "layerwise";
 *
 * const options = {
 *   a: "rings-a.safetensors",
 *   b: "rings-b.safetensors",
 *   model: { name: "mlp" },
 *   data: { name: "rings.mjs", samples: 50 },
 *   scans: ["full"],
 * };
 * const { document } = await measure(options);
 * const stored = encodeMeasurement(document);
 * console.log(stored.schema, stored.cells.length); // layerwise/measure@1 1
 * console.log(stored.cells[0].loss_barrier === document.cells[0].loss?.barrier); // true
 * ```
 */
export const encodeMeasurement = (document: Measurement): StoredMeasurement => ({
  ...document,
  cells: document.cells.map(encodeCell),
});

/**
 * Validates a stored document, of this version or an older one, and decodes its cells. `path` is named in errors.
 * Throws a {@link UserError} that names the file and the field.
 * @example
 * ```ts
 * import { parseMeasurement } from "layerwise";
 *
 * try {
 *   parseMeasurement({ schema: "layerwise/measure@1" }, "old.json");
 * } catch (error) {
 *   console.log((error as Error).message.startsWith("old.json is not a measurement of this version: a:")); // true
 * }
 * ```
 */
export function parseMeasurement(value: unknown, path: string): Measurement {
  const parsed = measurementSchema.safeParse(withCurrentNames(value));
  if (parsed.success) {
    const { metrics: measured = metrics, cells } = parsed.data;
    return { ...parsed.data, cells: cells.map((cell) => decodeCell(cell, measured)) };
  }
  const { path: field, message } = parsed.error.issues[0];
  throw new UserError(
    `${path} is not a measurement of this version: ${field.join(".") || "the document"}: ${message}. Measure again.`,
  );
}

/** Documents of version 0.4 and earlier call `layer_alphas` `weights`. */
function withCurrentNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("weights" in value)) return value;
  const { weights, ...rest } = value;
  return { ...rest, layer_alphas: weights };
}

/**
 * The JSON Schema (draft 2020-12) of {@link StoredMeasurement}: schemas/measure@1.json of the package.
 * @example
 * ```ts
 * import { measurementJsonSchema } from "layerwise";
 *
 * console.log(measurementJsonSchema().title); // layerwise/measure@1
 * ```
 */
export const measurementJsonSchema = (): JsonSchema => jsonSchemaOf(measurementSchema, "layerwise/measure@1");
