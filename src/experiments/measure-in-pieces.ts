// Measures a pair in pieces: one unit for each range of the samples, assembled here. `layerwise measure --engine slurm`
// calls this.
import { join, resolve } from "node:path";
import {
  assemblePieces,
  extentOf,
  type MeasureOptions,
  type MeasureResult,
  piecesOf,
  pieceUnits,
  removePieces,
} from "../connectivity/index.ts";
import { sha256Value, UsageError } from "../core/index.ts";
import { type Callbacks, type EngineSettings, jobPath, resolveEngine, runUnits } from "../jobs/index.ts";

export interface PiecesOptions extends Callbacks {
  /** The runs folder, with the job's folder in its `jobs`; default `runs`. */
  readonly runs?: string;
  readonly engine?: EngineSettings;
}

/**
 * Measures a pair in pieces. The document is the same as without pieces. `done` removes the pieces: call it once the
 * result is saved.
 */
export async function measureInPieces(
  options: MeasureOptions,
  { runs = "runs", engine: settings, ...callbacks }: PiecesOptions = {},
): Promise<MeasureResult & { done: () => Promise<void> }> {
  if (options.precision !== undefined)
    throw new UsageError(
      "--precision stops while samples are evaluated, which pieces on a cluster cannot do. Leave out --precision or --engine slurm.",
    );
  const engine = resolveEngine(settings);
  const cpus = engine.cpus(1);
  const asked = { ...options, runtime: { ...options.runtime, threads: cpus } };
  const { content, ...extent } = await extentOf(options);
  const id = `measure-${sha256Value([resolve(runs), asked, content]).slice(0, 5)}`;
  const pieces = piecesOf(asked, join(jobPath(runs, id), "pieces"), { ...extent, content, piece: engine.piece });
  const units = pieceUnits(asked, pieces, { key: "measure", cpus, group: "measure", content });
  await runUnits({ id, runs, units }, engine, callbacks);
  return { ...(await assemblePieces(asked, pieces)), done: () => removePieces(pieces) };
}
