// A measurement in pieces, for parallel processes on one or many machines. Each piece is the scores of all mixes on a
// range of samples, in one file.
import { statSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256Value } from "../core/index.ts";
import { batchSize } from "../data/index.ts";
import type { Unit } from "../jobs/index.ts";
import { makeUnitCommand, siblingModule, type Work } from "../runtime/index.ts";
import { type Progress, Scores } from "../sweep/index.ts";
import { assemble, type MeasureResult, scorePiece } from "./measure.ts";
import type { MeasureOptions } from "./options.ts";

/** Largest number of evaluations (mixes times samples) in a piece, unless a single chunk has more. */
const mostEvaluations = 2_000_000;

export interface MeasurementSize {
  readonly samples: number;
  readonly mixes: number;
  /** Samples of a piece; by default, the piece has about two million evaluations. */
  readonly piece?: number;
  /** Samples of a chunk, where it is not the options' `batch`. */
  readonly batch?: number;
  /** Hash of the tensors and samples, where they exist already. */
  readonly content?: string;
}

export interface Piece {
  readonly range: readonly [number, number];
  readonly path: string;
}

/**
 * Divides a measurement into pieces. Each has whole chunks, so every sample is computed as in a measurement without
 * pieces. Their files are in `folder`, named by a hash of what they contain.
 */
export function planPieces(
  options: MeasureOptions,
  folder: string,
  { samples, mixes, piece, content, batch: own }: MeasurementSize,
): Piece[] {
  const { batch: requested, runtime: _, ...rest } = options;
  const batch = own ?? batchSize(samples, requested);
  const wanted = piece ?? Math.floor(mostEvaluations / mixes);
  const length = Math.min(samples, Math.max(1, Math.round(wanted / batch)) * batch);
  const hash = sha256Value({ ...rest, batch, samples, content, files: statFiles(options) }).slice(0, 12);
  return Array.from({ length: Math.ceil(samples / length) }, (_, i) => {
    const range = [i * length, Math.min(samples, (i + 1) * length)] as const;
    return { range, path: join(folder, `${hash}-${range[0]}-${range[1]}.safetensors`) };
  });
}

/** The files besides checkpoints that a measurement depends on, with their present size and modification time. */
function statFiles({ model, data, scans }: MeasureOptions): unknown[] {
  const paths = [model.name ?? "", model.head ?? "", model.classes ?? "", data.name.replace(/^npz:/, ""), ...scans];
  return paths.flatMap((path) => {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() ? [[path, file.size, file.mtimeMs]] : [];
  });
}

/** The units of the pieces; `common` holds what they have in common. */
export function makePieceUnits(
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
      argv: makeUnitCommand(siblingModule("pieces", import.meta.url), input, path, writePiece.name),
      result: path,
      ...(seconds === undefined ? {} : { seconds: seconds / pieces.length }),
    };
  });
}

interface PieceInput {
  readonly options: MeasureOptions;
  readonly range: readonly [number, number];
  readonly path: string;
  /** The hash that the files must still have. */
  readonly content?: string;
}

/** Computes one piece in a separate process and writes its file. */
export const writePiece: Work<PieceInput, void, Progress> = async ({ options, range, path, content }, report) =>
  (await scorePiece(options, range, content, report)).save(path);

/** The whole measurement, once all its pieces exist. */
export async function assemblePieces(options: MeasureOptions, pieces: readonly Piece[]): Promise<MeasureResult> {
  return assemble(options, await Promise.all(pieces.map(({ path }) => Scores.read(path))));
}

/** Removes the pieces of complete measurements, and their folder when that leaves it empty. */
export async function removePieces(pieces: readonly Piece[]): Promise<void> {
  for (const { path } of pieces) await rm(path, { force: true });
  for (const folder of new Set(pieces.map(({ path }) => dirname(path)))) await rmdir(folder).catch(() => {});
}
