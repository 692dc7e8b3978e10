// A measurement in pieces, each the scores of all mixes on a range of samples, in a file of its own: what processes side by side, or on many machines, can do.
import { statSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256Value } from "../core/index.ts";
import { batchSize } from "../data/index.ts";
import type { Unit } from "../jobs/index.ts";
import { siblingModule, unitCommand, type Work } from "../runtime/index.ts";
import { type Progress, Scores } from "../sweep/index.ts";
import { assemble, type MeasureResult, scorePiece } from "./measure.ts";
import type { MeasureOptions } from "./options.ts";

/** Evaluations of a network on a sample that a piece has at most, unless a single batch has more. */
const most = 2_000_000;

export interface Size {
  readonly samples: number;
  readonly mixes: number;
  /** Samples of a piece; default so many that it has not too many evaluations. */
  readonly piece?: number;
  /** Of an evaluation, where it is not the options'. */
  readonly batch?: number;
  /** Hash of the tensors and samples, where they are there already. */
  readonly content?: string;
}

export interface Piece {
  readonly range: readonly [number, number];
  readonly path: string;
}

/** The pieces of a measurement, whole batches each so that every sample is computed as in one go; their files lie in `folder` and are named by what they hold. */
export function piecesOf(
  options: MeasureOptions,
  folder: string,
  { samples, mixes, piece, content, batch: own }: Size,
): Piece[] {
  const { batch: asked, runtime: _, ...rest } = options;
  const batch = own ?? batchSize(samples, asked);
  const wanted = piece ?? Math.floor(most / mixes);
  const length = Math.min(samples, Math.max(1, Math.round(wanted / batch)) * batch);
  const hash = sha256Value({ ...rest, batch, samples, content, files: filesOf(options) }).slice(0, 12);
  return Array.from({ length: Math.ceil(samples / length) }, (_, i) => {
    const range = [i * length, Math.min(samples, (i + 1) * length)] as const;
    return { range, path: join(folder, `${hash}-${range[0]}-${range[1]}.safetensors`) };
  });
}

/** The files that a measurement depends on beside its checkpoints, as they are now: size and time. */
function filesOf({ model, data, scans }: MeasureOptions): unknown[] {
  const paths = [model.name ?? "", model.head ?? "", model.classes ?? "", data.name.replace(/^npz:/, ""), ...scans];
  return paths.flatMap((path) => {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() ? [[path, file.size, file.mtimeMs]] : [];
  });
}

/** The tasks of the pieces: `common` is what they have in common. */
export function pieceUnits(
  options: MeasureOptions,
  pieces: readonly Piece[],
  common: Pick<Unit, "key" | "after" | "cpus" | "group"> & { seconds?: number; content?: string },
): Unit[] {
  const { seconds, content, ...rest } = common;
  return pieces.map(({ range, path }) => {
    const input: PieceInput = { options, range, path, content };
    return {
      ...rest,
      key: pieces.length === 1 ? common.key : `${common.key} ${range[0]}-${range[1]}`,
      argv: unitCommand(siblingModule("pieces", import.meta.url), input, path, writePiece.name),
      result: path,
      ...(seconds === undefined ? {} : { seconds: seconds / pieces.length }),
    };
  });
}

interface PieceInput {
  readonly options: MeasureOptions;
  readonly range: readonly [number, number];
  readonly path: string;
  /** The files must hold this still. */
  readonly content?: string;
}

/** Work in a process of its own: one piece, into its file. */
export const writePiece: Work<PieceInput, void, Progress> = async ({ options, range, path, content }, report) =>
  (await scorePiece(options, range, content, report)).save(path);

/** The whole measurement, once all its pieces are there. */
export async function assemblePieces(options: MeasureOptions, pieces: readonly Piece[]): Promise<MeasureResult> {
  return assemble(options, await Promise.all(pieces.map(({ path }) => Scores.read(path))));
}

/** Removes the pieces of measurements that are whole by now, and their folder when it is empty then. */
export async function removePieces(pieces: readonly Piece[]): Promise<void> {
  for (const { path } of pieces) await rm(path, { force: true });
  for (const folder of new Set(pieces.map(({ path }) => dirname(path)))) await rmdir(folder).catch(() => {});
}
