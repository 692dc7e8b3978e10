// Plans the units that measure the missing points of a run. A point is measured in pieces and assembled once all pieces
// exist.
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
import { trainedKeys } from "../networks/units.ts";
import { timelineOf } from "../recipe/index.ts";
import type { RunFolder } from "../run-folder/folder.ts";
import type { ComputeOptions, TrackedUnit } from "../units.ts";
import { measureOptions, type Point, resultPath, samplesOf } from "./point.ts";
import { pointSize } from "./size.ts";
import { extendByStored, isMeasured } from "./stored.ts";

/** A point to measure, and its pieces. */
export interface MissingPoint {
  readonly point: Point;
  readonly options: MeasureOptions;
  readonly pieces: readonly Piece[];
}

/**
 * Finds the points without results, and plans the units that score their pieces. `leftovers` are pieces of measured
 * points that an interrupted run left.
 */
export async function planMeasuringUnits(
  run: RunFolder,
  points: readonly Point[],
  { device, cpus, piece, onProgress }: ComputeOptions,
  time?: StepTime,
): Promise<{ missing: MissingPoint[]; leftovers: Piece[]; units: TrackedUnit[] }> {
  const missing: MissingPoint[] = [];
  const leftovers: Piece[] = [];
  const units: TrackedUnit[] = [];
  if (points.length === 0) return { missing, leftovers, units };
  const folder = resolve(run.path, "measure", "pieces");
  const threads = await run.remember("measuring threads", cpus(points.length));
  for (const point of points) {
    const asked = await measureOptions(run, point);
    const isDone = await isMeasured(run, point, asked);
    if (isDone && !existsSync(folder)) continue;
    const options = { ...(await extendByStored(resultPath(run.path, point), asked)), runtime: { device, threads } };
    const { mixes, samples } = await pointSize(run.recipe, options);
    const pieces = planPieces(options, folder, { mixes, samples, piece });
    if (isDone) {
      leftovers.push(...pieces);
      continue;
    }
    missing.push({ point, options, pieces });
    const scoring = makePieceUnits(options, pieces, {
      key: `${basename(run.path)} ${point.name.replace(".json", "")}`,
      after: trainedKeys(run),
      cpus: threads,
      group: `${basename(run.path)} measure`,
      seconds: time && time.seconds * stepsOfEvaluations(time, mixes * samples),
    });
    for (const unit of scoring) units.push({ unit, onProgress: reporterOf(point, unit.key) });
  }
  const measured = points.length - missing.length;
  const progress = new Map<string, number>();
  function reporterOf(point: Point, key: string) {
    return ({ done, total }: Progress) => {
      progress.set(key, done / total);
      const sum = [...progress.values()].reduce((x, y) => x + y, 0);
      const part = (sum * missing.length) / units.length;
      onProgress?.(
        `${run.label} measure`,
        measured + part,
        points.length,
        `${timelineOf(run.recipe).unit} ${point.epoch}, ${point.split}`,
      );
    };
  }
  return { missing, leftovers, units };
}

/** Assembles the pieces of a point. The result is written last, so it exists only if the measurement is complete. */
export async function assemblePoint(run: RunFolder, { point, options, pieces }: MissingPoint): Promise<void> {
  const { document, scores } = await assemblePieces(options, pieces);
  const path = resultPath(run.path, point);
  await scores.save(samplesOf(path));
  await writeAtomic(path, `${JSON.stringify(encodeMeasurement(document), null, 1)}\n`);
}
