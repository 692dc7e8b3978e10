// A cell: one averaged network, planned, measured, stored and drawn. In memory each metric is an object;
// `layerwise/measure@1` stores flat names (`loss_barrier`, `error_interval`, …). Only {@link encodeCell} and
// {@link decodeCell} use the flat names.
import { z } from "zod";
import type { Metric } from "../sweep/index.ts";
import type { Interval } from "./interval.ts";

export type { Metric } from "../sweep/index.ts";

export const metrics = ["loss", "error"] as const;

/**
 * A metric of a cell: losses in nats; errors in percent, their barriers and intervals in percentage points. Null means
 * not finite.
 */
export interface Scored {
  readonly value: number | null;
  readonly barrier: number | null;
  readonly interval: Interval | null;
}

/** Barriers of random steps with the norm of the step to the average: the mean over the draws, and each draw. */
export interface RandomBarriers {
  readonly barrier: number | null;
  readonly draws: readonly (number | null)[];
}

/**
 * The average on the layers `averaged`, the base's layers elsewhere. A metric that was not measured (not yet, or not
 * requested) is absent.
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

/** A stored cell. Null stands for a value that is not finite, or that was not measured. */
export const cellSchema = z.object({
  scan: z.string(),
  layer: z.string().nullable(),
  averaged: z.array(z.string()).readonly(),
  base: z.enum(["a", "b"]).nullable(),
  alpha: z.number(),
  loss: maybe,
  error: maybe,
  /** Of a language model: the exponential of the loss, which is in nats per token. */
  perplexity: maybe.optional(),
  loss_barrier: maybe,
  loss_interval: interval,
  error_barrier: maybe,
  error_interval: interval,
  /** Samples that this cell saw, when a precision was asked for. */
  samples: z.int().positive().optional(),
  /** Random steps of the same length in place of the step to the average: the mean of the draws, and each. */
  baseline: z
    .object({
      loss_barrier: maybe,
      error_barrier: maybe,
      loss_draws: z.array(maybe).readonly(),
      error_draws: z.array(maybe).readonly(),
    })
    .optional(),
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
