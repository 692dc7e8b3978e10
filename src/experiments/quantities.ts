// What a claim is about: the cells behind each `take` of a recipe's claims. A cell that exists on both bases is a group of two, which count as their mean.
import { type Measurement, mean } from "../connectivity/index.ts";
import type { Claim } from "./recipe.ts";

type Cell = Measurement["cells"][number];

/** The cells of the claim's quantity; undefined when none was measured, or one is not finite. */
export function cellsOf({ take, metric }: Pick<Claim, "take" | "metric">, document: Measurement): Cell[] | undefined {
  const { layers, cells } = document;
  const last = layers.at(-1)!.name;
  const scan = (name: string) =>
    ascending(
      cells.filter((cell) => cell.scan === name && cell.alpha === 0.5),
      metric,
    );
  /** The cumulation after a share of the layers. */
  const along = (name: string, share: number) => {
    const count = Math.max(1, Math.floor(share * layers.length));
    return scan(name)?.find(([{ averaged }]) => averaged.length === count);
  };
  switch (take) {
    case "full":
    case "distance from chance":
      return scan("full")?.[0];
    case "largest single":
      return scan("single")?.at(-1);
    case "median single": {
      const all = scan("single");
      return all?.[Math.floor(all.length / 2)];
    }
    case "largest single but the last":
      return scan("single")?.findLast(([{ layer }]) => layer !== last);
    case "single of the last":
      return scan("single")?.find(([{ layer }]) => layer === last);
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

/** Groups of cells with the same layers, by their mean barrier. */
function ascending(cells: readonly Cell[], metric: "loss" | "error"): Cell[][] | undefined {
  const barrier = (cell: Cell) => cell[`${metric}_barrier`];
  if (cells.length === 0 || cells.some((cell) => barrier(cell) === null)) return undefined;
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) groups.set(`${cell.averaged}`, [...(groups.get(`${cell.averaged}`) ?? []), cell]);
  const height = (group: readonly Cell[]) => mean(group.map((cell) => barrier(cell)!));
  return [...groups.values()].sort((x, y) => height(x) - height(y));
}
