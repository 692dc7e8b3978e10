// Points: pairs of checkpoints of a run at an epoch (or step), measured on one split with some scans. Points of recipes
// that share networks are merged, so that each is measured once.
import { join } from "node:path";
import { type Bases, type MeasureOptions, parseScans, type ScanName } from "../../connectivity/index.ts";
import { UserError } from "../../core/index.ts";
import { checkpointName } from "../../training/index.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, timelineOf, trainingData } from "../recipe/index.ts";
import { networkNames, type RunFolder } from "../run-folder/folder.ts";

type Split = Recipe["measure"]["splits"][number];
type Ends = Recipe["measure"]["ends"];

export interface Point {
  /** File name of the result in the folder `measure`. */
  readonly name: string;
  readonly ends: Ends;
  readonly epoch: number;
  readonly split: Split;
  readonly scans: readonly ScanName[];
  readonly base: Bases;
  readonly orderSeed: number;
  /** Number of samples, from the start of the split; undefined for all. */
  readonly samples: number | undefined;
}

/** Lists the points of a recipe, by epoch. */
export function listPoints(recipe: Recipe): Point[] {
  const { ends, splits, scans, base, layer_order_seed: orderSeed } = recipe.measure;
  const epochs = timelineOf(recipe).measured.filter((epoch) => ends === "networks" || epoch > 0);
  return epochs.flatMap((epoch) =>
    splits.map((split) => ({
      name: pointName(ends, epoch, split),
      ends,
      epoch,
      split,
      scans: parseScans([...new Set([...scans, "full"])].join(",")),
      base,
      orderSeed,
      samples: measuredData(recipe, split).samples,
    })),
  );
}

export const pointName = (ends: Ends, epoch: number, split: Split): string =>
  `${ends === "networks" ? "epoch" : "consecutive"}-${String(epoch).padStart(4, "0")}-${split}.json`;

/** Merges points of the same name into one with the scans, bases and samples of all. */
export function mergePoints(points: readonly Point[]): Point[] {
  const merged = new Map<string, Point>();
  for (const point of points) {
    const known = merged.get(point.name) ?? point;
    if (known.orderSeed !== point.orderSeed)
      throw new UserError(
        `Two recipes share networks but have different values of measure.layer_order_seed (${known.orderSeed} and ${point.orderSeed}). Use the same value, or run them one after the other.`,
      );
    const most =
      known.samples === undefined || point.samples === undefined ? undefined : Math.max(known.samples, point.samples);
    merged.set(point.name, {
      ...known,
      scans: [...new Set([...known.scans, ...point.scans])],
      base: known.base === point.base ? known.base : "both",
      samples: most,
    });
  }
  return [...merged.values()];
}

/** The file of a result's scores. */
export const samplesOf = (result: string) => result.replace(/\.json$/, ".samples.safetensors");

export const samplesPath = (
  folder: string,
  { measure }: Recipe,
  { epoch, split }: Pick<Point, "epoch" | "split">,
): string => samplesOf(resultPath(folder, { name: pointName(measure.ends, epoch, split) }));

export const resultPath = (folder: string, { name }: Pick<Point, "name">): string => join(folder, "measure", name);

export async function measureOptions(
  { recipe, path }: Pick<RunFolder, "recipe" | "path">,
  point: Point,
): Promise<MeasureOptions> {
  const { ends, epoch, split, samples, scans, base, orderSeed } = point;
  const [first, second] = networkNames(recipe);
  const checkpoint = (network: string, at: number) => join(path, network, checkpointName(at));
  const pair =
    ends === "networks"
      ? { a: checkpoint(first, epoch), b: checkpoint(second, epoch) }
      : { a: checkpoint(first, epoch - 1), b: checkpoint(first, epoch) };
  return {
    ...pair,
    initial: [checkpoint(first, 0), checkpoint(ends === "networks" ? second : first, 0)],
    model: { name: recipe.model.name, sizes: await originOf(recipe).trainedSizes() },
    data: { name: recipe.data.name, ...measuredData(recipe, split), samples },
    scans,
    base,
    orderSeed,
  };
}

/**
 * The samples that a split is measured on. The recipe may limit them; on train, there are at most the training samples.
 */
export function measuredData(recipe: Recipe, split: Split) {
  const training = trainingData(recipe);
  const limits = [recipe.measure.samples, split === "train" ? training.samples : "all"];
  const most = Math.min(...limits.filter((limit) => typeof limit === "number"));
  return { ...training, split, samples: Number.isFinite(most) ? most : undefined };
}
