// A cell: one averaged network, planned, measured, stored and drawn. In memory each metric is an object;
// `layerwise/measure@1` stores flat names (`loss_barrier`, `error_interval`, …). Only {@link encodeCell} and
// {@link decodeCell} use the flat names.
import { z } from "zod";
import type { Metric } from "../sweep/index.ts";
import type { Interval } from "./interval.ts";

export type { Metric } from "../sweep/index.ts";

export const metrics = ["loss", "error"] as const;

/**
 * A metric of a cell: losses in nats; errors in percent, their barriers and intervals in percentage points. Null:
 * not finite.
 */
export interface Scored {
  readonly value: number | null;
  readonly barrier: number | null;
  readonly interval: Interval | null;
}

/** Barriers of random steps as long as the step to the average: the mean over the draws, and each draw. */
export interface RandomBarriers {
  readonly barrier: number | null;
  readonly draws: readonly (number | null)[];
}

/**
 * An averaged network: (1 - alpha) a + alpha b on the layers `averaged`, the base's own layers elsewhere. A metric that
 * was not measured is absent. Source: Adilova et al. 2024, arXiv 2307.06966, section 2.
 */
export interface Cell extends Readonly<Partial<Record<Metric, Scored>>> {
  readonly scan: string;
  /** The single layer, the last one added by a cumulative scan, or the last of a window; null for `full`. */
  readonly layer: string | null;
  readonly averaged: readonly string[];
  readonly base: "a" | "b" | null;
  readonly alpha: number;
  /** Of a language model, where its loss was measured. */
  readonly perplexity?: number | null;
  /** Samples that the cell was evaluated on, where a precision was requested. */
  readonly samples?: number;
  readonly baseline?: Readonly<Partial<Record<Metric, RandomBarriers>>>;
}

const maybe = z.number().nullable();
const interval = z.tuple([z.number(), z.number()]).nullable();

/** A stored cell. Null: not finite, or not measured. */
export const cellSchema = z.object({
  scan: z
    .string()
    .describe("The scan: `single`, `shallow`, `deep`, `random`, `minimal`, `window:K`, `full`, or a file."),
  layer: z
    .string()
    .nullable()
    .describe("The single layer, the layer added last, or the last of a window; null for `full`."),
  averaged: z.array(z.string()).readonly().describe("The layers that are averaged."),
  base: z
    .enum(["a", "b"])
    .nullable()
    .describe(
      "The end that the other layers come from; null for `full`, which takes them from a unless base b was asked for.",
    ),
  alpha: z.number().describe("How much of b is in the average: (1 - alpha) a + alpha b."),
  loss: maybe.describe("Mean loss of the averaged network, in nats; per token for a language model."),
  error: maybe.describe("Error of the averaged network, in percent."),
  perplexity: maybe.optional().describe("Language models only: the exponential of the loss."),
  loss_barrier: maybe.describe(
    "loss - [(1 - alpha) loss(a) + alpha loss(b)], in nats. Positive is worse than the ends.",
  ),
  loss_interval: interval.describe(
    "95 % confidence interval of the loss barrier over the samples: [low, high], in nats.",
  ),
  error_barrier: maybe.describe("The same for the error, in percentage points."),
  error_interval: interval.describe("95 % confidence interval of the error barrier: [low, high], in points."),
  samples: z
    .int()
    .positive()
    .optional()
    .describe("Number of samples this cell was evaluated on, if `precision` was given."),
  baseline: z
    .object({
      loss_barrier: maybe.describe("Mean loss barrier over the draws, in nats."),
      error_barrier: maybe.describe("Mean error barrier over the draws, in points."),
      loss_draws: z.array(maybe).readonly().describe("Loss barrier of each draw, in nats."),
      error_draws: z.array(maybe).readonly().describe("Error barrier of each draw, in points."),
    })
    .optional()
    .describe("The random baseline: steps in random directions, with the norm of the step to the average."),
});

export type StoredCell = z.infer<typeof cellSchema>;

/** The stored form, with its keys in the document's order. */
export function encodeCell(cell: Cell): StoredCell {
  const { scan, layer, averaged, base, alpha, loss, error, perplexity, samples, baseline } = cell;
  return {
    scan,
    layer,
    averaged,
    base,
    alpha,
    loss: loss?.value ?? null,
    error: error?.value ?? null,
    ...(perplexity === undefined ? {} : { perplexity }),
    loss_barrier: loss?.barrier ?? null,
    loss_interval: loss?.interval ?? null,
    error_barrier: error?.barrier ?? null,
    error_interval: error?.interval ?? null,
    ...(samples === undefined ? {} : { samples }),
    ...(baseline ? { baseline: encodeBaseline(baseline) } : {}),
  };
}

function encodeBaseline({ loss, error }: NonNullable<Cell["baseline"]>): NonNullable<StoredCell["baseline"]> {
  const none = (loss ?? error)?.draws.map(() => null) ?? []; // both metrics have the same number of draws
  return {
    loss_barrier: loss?.barrier ?? null,
    error_barrier: error?.barrier ?? null,
    loss_draws: loss?.draws ?? none,
    error_draws: error?.draws ?? none,
  };
}

/** The inverse of {@link encodeCell}, with the metrics that the document measured. */
export function decodeCell(stored: StoredCell, measured: readonly Metric[]): Cell {
  const { scan, layer, averaged, base, alpha, perplexity, samples, baseline } = stored;
  const of = <T>(read: (metric: Metric) => T): Partial<Record<Metric, T>> =>
    Object.fromEntries(measured.map((metric) => [metric, read(metric)]));
  return {
    scan,
    layer,
    averaged,
    base,
    alpha,
    ...of((metric) => ({
      value: stored[metric],
      barrier: stored[`${metric}_barrier`],
      interval: stored[`${metric}_interval`],
    })),
    ...(perplexity === undefined ? {} : { perplexity }),
    ...(samples === undefined ? {} : { samples }),
    ...(baseline
      ? {
          baseline: of((metric) => ({ barrier: baseline[`${metric}_barrier`], draws: baseline[`${metric}_draws`] })),
        }
      : {}),
  };
}
