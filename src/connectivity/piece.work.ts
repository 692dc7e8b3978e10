// Work in a process of its own: one piece of a measurement, into a file of its own.
import type { Work } from "../runtime/index.ts";
import { type MeasureOptions, scorePiece } from "./measure.ts";
import type { MeasureProgress } from "./measure.work.ts";
import { saveSamples } from "./store.ts";

export interface PieceInput {
  readonly options: MeasureOptions;
  readonly range: readonly [number, number];
  readonly path: string;
  /** The files must hold this still. */
  readonly content?: string;
}

const work: Work<PieceInput, void, MeasureProgress> = async ({ options, range, path, content }, report) => {
  const table = await scorePiece(options, range, content, (done, total) => report({ done, total }));
  await saveSamples(path, table);
};

export default work;
