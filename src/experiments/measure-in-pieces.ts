// Measures a pair in pieces: one unit for each range of the samples, assembled here. `layerwise measure --engine slurm`
// calls this.
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
import { type Callbacks, type EngineSettings, jobPath, resolveEngine, runUnits } from "../jobs/index.ts";

/** Where the pieces are measured, and where the job has its folder. */
export interface PiecesOptions extends Callbacks {
  /** The runs folder, with the job's folder in its `jobs`; default `runs`. */
  readonly runs?: string;
  readonly engine?: EngineSettings;
}

/** The result of {@link measureInPieces}. */
export interface PiecesResult extends MeasureResult {
  /** Removes the pieces. */
  readonly done: () => Promise<void>;
}

/**
 * Measures as {@link measure} does, in pieces on an engine, such as a cluster. The document is the same as without
 * pieces. `done` removes the pieces: call it once the result is saved. Throws a {@link UserError} if a piece fails.
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
      "--precision stops while samples are evaluated, which pieces on a cluster cannot do. Leave out --precision or --engine slurm.",
    );
  const engine = resolveEngine(settings);
  const cpus = engine.cpus(1);
  const asked = { ...options, runtime: { ...options.runtime, threads: cpus } };
  const { content, ...extent } = await readExtent(options);
  const id = `measure-${sha256Value([resolve(runs), asked, content]).slice(0, 5)}`;
  const pieces = planPieces(asked, join(jobPath(runs, id), "pieces"), { ...extent, content, piece: engine.piece });
  const units = makePieceUnits(asked, pieces, { key: "measure", cpus, group: "measure", content });
  await runUnits({ id, runs, units }, engine, callbacks);
  return { ...(await assemblePieces(asked, pieces)), done: () => removePieces(pieces) };
}
