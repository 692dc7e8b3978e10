// A measurement in pieces, each a task of an engine: ranges of the samples, put together here. `layerwise measure
// --engine slurm` is a thin client of this.
import { join, resolve } from "node:path";
import {
  assemblePieces,
  type MeasureOptions,
  type MeasureResult,
  makePieceUnits,
  planPieces,
  readExtent,
  removePieces,
} from "../connectivity/index.ts";
import { sha256Value, UsageError } from "../core/index.ts";
import { type Callbacks, carryOut, type EngineSettings, engineOf, jobPath } from "../jobs/index.ts";

/** Where the pieces are measured, and where the job has its folder. */
export interface PiecesOptions extends Callbacks {
  /** Where the job has its folder; default `runs`. */
  readonly runs?: string;
  readonly engine?: EngineSettings;
}

/** The result of {@link measureInPieces}. */
export interface PiecesResult extends MeasureResult {
  /** Removes the pieces. */
  readonly done: () => Promise<void>;
}

/**
 * Measures as {@link measure} does, in pieces that an engine carries out, such as a cluster; the same document as in one
 * go. `done` removes the pieces: call it once the result is saved. Throws a {@link UserError} if a piece fails.
 * @param options What is measured.
 * @param work The engine; the folder of runs.
 * @example
 * ```ts
 * import { measureInPieces } from "layerwise";
 *
 * const result = await measureInPieces(
 *   {
 *     a: "rings-a.safetensors",
 *     b: "rings-b.safetensors",
 *     model: { name: "mlp" },
 *     data: { name: "rings.mjs", samples: 40 },
 *     scans: ["full"],
 *   },
 *   { engine: { threads: 1, piece: 20 } },
 * );
 * await result.done();
 * console.log(result.document.data.samples); // 40
 * ```
 */
export async function measureInPieces(
  options: MeasureOptions,
  { runs = "runs", engine: settings, ...callbacks }: PiecesOptions = {},
): Promise<PiecesResult> {
  if (options.precision !== undefined)
    throw new UsageError(
      "--precision decides as the samples come in, which pieces on a cluster cannot: leave one of the two out.",
    );
  const engine = engineOf(settings);
  const cpus = engine.cpus(1);
  const asked = { ...options, runtime: { ...options.runtime, threads: cpus } };
  const { content, ...extent } = await readExtent(options);
  const id = `measure-${sha256Value([resolve(runs), asked, content]).slice(0, 5)}`;
  const pieces = planPieces(asked, join(jobPath(runs, id), "pieces"), { ...extent, content, piece: engine.piece });
  const tasks = makePieceUnits(asked, pieces, { key: "measure", cpus, group: "measure", content });
  await carryOut({ id, runs, tasks }, engine, callbacks);
  return { ...(await assemblePieces(asked, pieces)), done: () => removePieces(pieces) };
}
