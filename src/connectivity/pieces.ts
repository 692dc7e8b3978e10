// A measurement in pieces, each the scores of all mixes on a range of samples, in a file of its own: what processes side by side, or on many machines, can do.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256Value } from "../core/index.ts";
import type { Task } from "../jobs/index.ts";
import { siblingModule, taskCommand } from "../runtime/index.ts";
import { assemble, type MeasureOptions, type MeasureResult } from "./measure.ts";
import type { PieceInput } from "./piece.work.ts";
import { readSamples } from "./store.ts";

/** Evaluations of a network on a sample that a piece has at most, unless a single batch has more. */
const most = 2_000_000;

export interface Size {
  readonly samples: number;
  readonly mixes: number;
  /** Samples of a piece; default so many that it has not too many evaluations. */
  readonly piece?: number;
}

export interface Piece {
  readonly range: readonly [number, number];
  readonly path: string;
}

/** The pieces of a measurement, whole batches each so that every sample is computed as in one go; their files lie in `folder` and are named by what they hold. */
export function piecesOf(options: MeasureOptions, folder: string, { samples, mixes, piece }: Size): Piece[] {
  const { batch = 64, runtime: _, ...rest } = options;
  const wanted = piece ?? Math.floor(most / mixes);
  const length = Math.min(samples, Math.max(1, Math.round(wanted / batch)) * batch);
  const hash = sha256Value({ ...rest, batch, samples }).slice(0, 12);
  return Array.from({ length: Math.ceil(samples / length) }, (_, i) => {
    const range = [i * length, Math.min(samples, (i + 1) * length)] as const;
    return { range, path: join(folder, `${hash}-${range[0]}-${range[1]}.safetensors`) };
  });
}

/** The tasks of the pieces: `common` is what they have in common. */
export function pieceTasks(
  options: MeasureOptions,
  pieces: readonly Piece[],
  common: Pick<Task, "key" | "after" | "cpus" | "group"> & { seconds?: number },
): Task[] {
  const { seconds, ...rest } = common;
  return pieces.map(({ range, path }) => {
    const input: PieceInput = { options, range, path };
    return {
      ...rest,
      key: pieces.length === 1 ? common.key : `${common.key} ${range[0]}-${range[1]}`,
      argv: taskCommand(siblingModule("piece.work", import.meta.url), input, path),
      result: path,
      ...(seconds === undefined ? {} : { seconds: seconds / pieces.length }),
    };
  });
}

/** The whole measurement, once all its pieces are there. */
export async function assemblePieces(options: MeasureOptions, pieces: readonly Piece[]): Promise<MeasureResult> {
  return assemble(options, await Promise.all(pieces.map(({ path }) => readSamples(path))));
}

/** Removes the pieces of measurements that are whole by now. */
export const removePieces = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
