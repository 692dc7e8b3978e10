// The stored result of a measurement: the document `layerwise/measure@1`, validated on reading. Other programs rely on
// its names. Its cells are decoded in memory (cell.ts).
import { z } from "zod";
import { UserError } from "../core/index.ts";
import { type Cell, cellSchema, decodeCell, encodeCell, metrics } from "./cell.ts";

const number = z.number();
/** Null stands for a value that is not finite. */
const maybe = number.nullable();
const distance = z.object({ euclidean: maybe, cosine: maybe });
const distances = z.object({ full: distance, layers: z.record(z.string(), distance) });
const end = z.object({ path: z.string(), sha256: z.string() });
/** Loss in nats, of language models per token, with its exponential; error in percent, of language models that of next tokens. */
const scores = z.object({ loss: maybe, error: maybe, perplexity: maybe.optional() });

/** The largest barrier over the weights of a line. */
const peak = z.object({ alpha: number, barrier: number }).nullable();
const lineSchema = z.object({
  scan: z.string(),
  layer: z.string().nullable(),
  base: z.enum(["a", "b"]).nullable(),
  max_loss: peak,
  max_error: peak,
});

/** The full barrier shared out: evenly over the layers, and by their share of the parameters. */
const sharesSchema = z.object({
  loss: z.object({ even: number, by_parameters: z.record(z.string(), number) }).optional(),
  error: z.object({ even: number, by_parameters: z.record(z.string(), number) }).optional(),
});

export const measurementSchema = z.object({
  schema: z.literal("layerwise/measure@1"),
  a: end,
  b: end,
  model: z.looseObject({ name: z.string() }),
  data: z.object({
    name: z.string(),
    split: z.enum(["train", "valid", "test"]),
    samples: z.int().positive(),
    sha256: z.string(),
  }),
  layers: z.array(z.object({ name: z.string(), parameters: z.array(z.string()).readonly(), size: z.int().min(0) })),
  ends: z.object({ a: scores, b: scores }),
  /** What was measured; the numbers of the other are null. Older documents have both. */
  metrics: z.array(z.enum(["loss", "error"])).optional(),
  cells: z.array(cellSchema),
  /** The weight of b of every layer, where each has its own; the cells' `alpha` is what they have in common, else one half. */
  weights: z.record(z.string(), number).optional(),
  lines: z.array(lineSchema).optional(),
  shares: sharesSchema.optional(),
  /** `from_init`: each end from its own initialisation. */
  distance: distances.extend({ from_init: z.object({ a: distances, b: distances }).optional() }),
  verdict: z.object({
    average: z.array(z.string()),
    keep: z.array(z.string()),
    undecided: z.array(z.string()).optional(),
    tolerance: number.optional(),
    alpha: number.optional(),
    reason: z.string(),
  }),
  notes: z.array(z.string()).optional(),
});

/** The document as it is stored, printed as JSON, and described by its JSON Schema. */
export type StoredMeasurement = z.infer<typeof measurementSchema>;

/** The document in memory: the same, but for its cells. */
export interface Measurement extends Omit<StoredMeasurement, "cells"> {
  readonly cells: readonly Cell[];
}

/** The stored form. Its keys have the order of the document's own. */
export const encodeMeasurement = (document: Measurement): StoredMeasurement => ({
  ...document,
  cells: document.cells.map(encodeCell),
});

/** Validates a stored document and decodes its cells. Throws {@link UserError} that names the file and the field. */
export function parseMeasurement(value: unknown, path: string): Measurement {
  const parsed = measurementSchema.safeParse(value);
  if (parsed.success) {
    const { metrics: measured = metrics, cells } = parsed.data;
    return { ...parsed.data, cells: cells.map((cell) => decodeCell(cell, measured)) };
  }
  const { path: field, message } = parsed.error.issues[0];
  throw new UserError(
    `${path} is no measurement of this version: ${field.join(".") || "the document"}: ${message}. Measure again.`,
  );
}

/** The stored document's JSON Schema. */
export const measurementJsonSchema = (): unknown => z.toJSONSchema(measurementSchema);
