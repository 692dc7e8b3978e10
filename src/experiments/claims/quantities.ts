// The quantities that claims can use, one line each: the cells, the value from a sample's scores, and the metric if it
// is fixed. The recipe's schema and the table in docs/extending.md are generated from this. Cells on both bases form a
// group, and the mean counts.
import { type Cell, type Measurement, type Metric, mean } from "../../connectivity/index.ts";
import { mixOf, type Scores } from "../../sweep/index.ts";

/** What there is at a point of one pair: the document and every sample's scores. */
export interface ScoredPoint {
  readonly document: Measurement;
  readonly scores: Scores;
}

interface Quantity {
  /** Description for the documentation. */
  readonly is: string;
  /**
   * None where it was not measured. Several groups (a layer each): it is the largest of them, so a claim about it is
   * one about each.
   */
  readonly cells: (document: Measurement, metric: Metric) => Cell[][];
  /** The value of every sample, from a group's cells; default: the mean of their barriers. */
  readonly value?: (cells: readonly Cell[], point: ScoredPoint) => Float64Array;
  /** Default: the claim's metric. */
  readonly metric?: Metric;
}

const lines = {
  full: { is: "the barrier of all layers together", cells: (document) => scan(document, "full") },
  "largest single": { is: "the largest of each layer alone", cells: (document) => scan(document, "single") },
  "median single": { is: "the median of each layer alone", cells: middleSingle },
  "largest single but the last": {
    is: "the largest of each layer alone, without the model's last",
    cells: (document) => scan(document, "single").filter(([{ layer }]) => layer !== lastOf(document)),
  },
  "single of the last": {
    is: "the model's last layer alone",
    cells: (document) => scan(document, "single").filter(([{ layer }]) => layer === lastOf(document)),
  },
  "third of shallow": {
    is: "the average of the first third of the layers, from the input",
    cells: (document) => along(document, "shallow", 1 / 3),
  },
  "third of deep": {
    is: "the average of the last third of the layers, from the output",
    cells: (document) => along(document, "deep", 1 / 3),
  },
  "half of minimal": {
    is: "the average of half of the layers in the order minimal",
    cells: (document) => along(document, "minimal", 1 / 2),
  },
  "half of random": {
    is: "the average of half of the layers in the order random",
    cells: (document) => along(document, "random", 1 / 2),
  },
  "distance from chance": {
    is: "between the error of the average of all layers and that of guessing, in points",
    cells: (document) => scan(document, "full"),
    value: distancesFromChance,
    metric: "error",
  },
} as const satisfies Readonly<Record<string, Quantity>>;

export type Take = keyof typeof lines;
export const quantities: Readonly<Record<Take, Quantity>> = lines;
export const takes = Object.keys(lines) as [Take, ...Take[]];

/** Formats the quantities as a table for the documentation. */
export function quantityTable(): string {
  const rows = [["`take`", "is"], ...takes.map((take) => [`\`${take}\``, quantities[take].is])];
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const row = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const [head, ...others] = rows.map(row);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others].join("\n");
}

/** The value of every sample, from a group's cells. */
export function valuesOf(take: Take, cells: readonly Cell[], point: ScoredPoint, metric: Metric): Float64Array {
  return quantities[take].value?.(cells, point) ?? meanBarriers(cells, point, metric);
}

const lastOf = ({ layers }: Measurement) => layers.at(-1)!.name;

/** Groups of a scan's cells with the same layers, which differ in their base. */
function scan({ cells }: Measurement, name: string): Cell[][] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells)
    if (cell.scan === name && cell.alpha === 0.5)
      groups.set(`${cell.averaged}`, [...(groups.get(`${cell.averaged}`) ?? []), cell]);
  return [...groups.values()];
}

/** The average of a share of the layers, in the order of a growing scan. */
function along(document: Measurement, name: string, share: number): Cell[][] {
  const count = Math.max(1, Math.floor(share * document.layers.length));
  return scan(document, name).filter(([{ averaged }]) => averaged.length === count);
}

/** For an even number of layers, both middle ones; their mean counts. */
function middleSingle(document: Measurement, metric: Metric): Cell[][] {
  const all = scan(document, "single").sort((x, y) => height(x, metric) - height(y, metric));
  const middle = all.slice(Math.ceil(all.length / 2) - 1, Math.floor(all.length / 2) + 1).flat();
  return middle.length ? [middle] : [];
}

/** The mean barrier of a group; a barrier that is not finite counts as infinite. */
const height = (group: readonly Cell[], metric: Metric): number =>
  mean(group.map((cell) => cell[metric]?.barrier ?? Number.POSITIVE_INFINITY));

const mixOfCell = (cell: Cell, { layers }: Measurement) =>
  mixOf(
    layers.map(({ name }) => name),
    cell,
  );

/** The barrier of every sample, the mean over cells that differ in their base. */
export function meanBarriers(cells: readonly Cell[], { document, scores }: ScoredPoint, metric: Metric): Float64Array {
  const sum = new Float64Array(scores.samples);
  for (const cell of cells) {
    const each = scores.barriers(mixOfCell(cell, document), cell.alpha, metric);
    for (let i = 0; i < sum.length; i++) sum[i] += each[i] / cells.length;
  }
  return sum;
}

/** How much better or worse than chance every sample is predicted, with the sign that makes the mean positive. */
function distancesFromChance([full]: readonly Cell[], { document, scores }: ScoredPoint): Float64Array {
  const chance = 1 - 1 / Number(document.model.classes);
  const distances = Float64Array.from(scores.of(mixOfCell(full, document)).error, (x) => x - chance);
  return mean(distances) < 0 ? distances.map((x) => -x) : distances;
}
