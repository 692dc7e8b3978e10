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

export interface PiecesOptions extends Callbacks {
  /** Where the job has its folder; default `runs`. */
  readonly runs?: string;
  readonly engine?: EngineSettings;
}

/**
 * Measures a pair in pieces; the same document as in one go. `done` removes the pieces: call it once the result is
 * saved.
 */
export async function measureInPieces(
  options: MeasureOptions,
  { runs = "runs", engine: settings, ...callbacks }: PiecesOptions = {},
): Promise<MeasureResult & { done: () => Promise<void> }> {
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
