// What a claim is about: the cells behind each `take` of a recipe's claims. A cell that exists on both bases is a group of two, which count as their mean.
import { type Cell, type Measurement, mean } from "../connectivity/index.ts";
import type { Claim } from "./recipe.ts";

/**
 * The cells of the claim's quantity, none where it was not measured. A claim about the largest of several layers is one about each of them: a group of cells for
 * each layer.
 */
export function groupsOf({ take, metric }: Pick<Claim, "take" | "metric">, document: Measurement): Cell[][] {
  const { layers, cells } = document;
  const last = layers.at(-1)!.name;
  const scan = (name: string) => grouped(cells.filter((cell) => cell.scan === name && cell.alpha === 0.5));
  /** The cumulation after a share of the layers. */
  const along = (name: string, share: number) => {
    const count = Math.max(1, Math.floor(share * layers.length));
    return scan(name).filter(([{ averaged }]) => averaged.length === count);
  };
  switch (take) {
    case "full":
    case "distance from chance":
      return scan("full");
    case "largest single":
      return scan("single");
    case "median single": {
      const all = scan("single").sort((x, y) => height(x, metric) - height(y, metric));
      const middle = all.slice(Math.ceil(all.length / 2) - 1, Math.floor(all.length / 2) + 1).flat();
      return middle.length ? [middle] : []; // of an even number the mean of both in the middle
    }
    case "largest single but the last":
      return scan("single").filter(([{ layer }]) => layer !== last);
    case "single of the last":
      return scan("single").filter(([{ layer }]) => layer === last);
    case "third of shallow":
      return along("shallow", 1 / 3);
    case "third of deep":
      return along("deep", 1 / 3);
    case "half of minimal":
      return along("minimal", 1 / 2);
    case "half of random":
      return along("random", 1 / 2);
  }
}

/** Groups of cells with the same layers, which differ in their base. */
function grouped(cells: readonly Cell[]): Cell[][] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) groups.set(`${cell.averaged}`, [...(groups.get(`${cell.averaged}`) ?? []), cell]);
  return [...groups.values()];
}

/** The mean barrier of a group; one that is not finite is infinite. */
const height = (group: readonly Cell[], metric: Claim["metric"]): number =>
  mean(group.map((cell) => cell[metric]?.barrier ?? Number.POSITIVE_INFINITY));
