// Measuring the points of a run that are missing, as tasks: each point in pieces, put together when all its pieces are
// there.
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import {
  assemblePieces,
  encodeMeasurement,
  type MeasureOptions,
  makePieceUnits,
  type Piece,
  planPieces,
} from "../../connectivity/index.ts";
import { writeAtomic } from "../../core/index.ts";
import type { Progress } from "../../sweep/index.ts";
import { type StepTime, stepsOfEvaluations } from "../cost/step-time.ts";
import { trainedKeys } from "../networks/tasks.ts";
import { timelineOf } from "../recipe/index.ts";
import type { RunFolder } from "../run-folder/folder.ts";
import type { Step, Wishes } from "../steps.ts";
import { measureOptions, type Point, resultPath, samplesOf } from "./point.ts";
import { pointSize } from "./size.ts";
import { isMeasured, withStored } from "./stored.ts";

/** A point that is not measured yet, and its pieces. */
export interface MissingPoint {
  readonly point: Point;
  readonly options: MeasureOptions;
  readonly pieces: readonly Piece[];
}

/**
 * The points whose results are missing, each in pieces, with the steps that score them; and pieces that a cut run left
 * of points that are measured.
 */
export async function measuringSteps(
  run: RunFolder,
  points: readonly Point[],
  { device, cpus, piece, onProgress }: Wishes,
  time?: StepTime,
): Promise<{ missing: MissingPoint[]; leftovers: Piece[]; steps: Step[] }> {
  const missing: MissingPoint[] = [];
  const leftovers: Piece[] = [];
  const steps: Step[] = [];
  if (points.length === 0) return { missing, leftovers, steps };
  const folder = resolve(run.path, "measure", "pieces");
  const threads = await run.remember("measuring threads", cpus(points.length));
  for (const point of points) {
    const asked = await measureOptions(run, point);
    const isThere = await isMeasured(run, point, asked);
    if (isThere && !existsSync(folder)) continue;
    const options = { ...(await withStored(resultPath(run.path, point), asked)), runtime: { device, threads } };
    const { mixes, samples } = await pointSize(run.recipe, options);
    const pieces = planPieces(options, folder, { mixes, samples, piece });
    if (isThere) {
      leftovers.push(...pieces);
      continue;
    }
    missing.push({ point, options, pieces });
    const tasks = makePieceUnits(options, pieces, {
      key: `${basename(run.path)} ${point.name.replace(".json", "")}`,
      after: trainedKeys(run),
      cpus: threads,
      group: `${basename(run.path)} measure`,
      seconds: time && time.seconds * stepsOfEvaluations(time, mixes * samples),
    });
    for (const task of tasks) steps.push({ task, onProgress: reporterOf(point, task.key) });
  }
  const begun = points.length - missing.length;
  const shares = new Map<string, number>();
  function reporterOf(point: Point, key: string) {
    return ({ done, total }: Progress) => {
      shares.set(key, done / total);
      const sum = [...shares.values()].reduce((x, y) => x + y, 0);
      const share = (sum * missing.length) / steps.length;
      onProgress?.(
        `${run.label} measure`,
        begun + share,
        points.length,
        `${timelineOf(run.recipe).unit} ${point.epoch}, ${point.split}`,
      );
    };
  }
  return { missing, leftovers, steps };
}

/** Puts the pieces of a point together. The result is written last: where it is, the measurement is whole. */
export async function assemblePoint(run: RunFolder, { point, options, pieces }: MissingPoint): Promise<void> {
  const { document, scores } = await assemblePieces(options, pieces);
  const path = resultPath(run.path, point);
  await scores.save(samplesOf(path));
  await writeAtomic(path, `${JSON.stringify(encodeMeasurement(document), null, 1)}\n`);
}
