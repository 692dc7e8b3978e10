// The tables of a run's page: claims, clients, pairs, set-up, numbers.
import { metrics } from "../connectivity/index.ts";
import { plain, signed } from "../core/index.ts";
import { drawn, fullOf, type Measured } from "./cells.ts";
import { summariseSingles } from "./finding.ts";
import { paragraph, section, table } from "./page.ts";
import type { RunRecord } from "./run-record.ts";

/** `Figure 1: …`, `Trajectory: …`. */
export function figureTitle({ name, figure }: Pick<RunRecord, "name" | "figure">): string {
  const label = name.replace(/^fig0?(\d+)$/, "Figure $1").replace(/^./, (c) => c.toUpperCase());
  return figure ? `${label}: ${figure.title}` : label;
}

/** What the paper reports, and the verdict on each claim. */
export function claimSection(record: RunRecord): string[] {
  const { figure, claims } = record;
  if (!figure && !claims?.length) return [];
  return [
    section(
      "Claims",
      ...(claims?.length ? [claimTable(record)] : []),
      ...(figure ? [paragraph(`Paper: ${figure.paper}.`)] : []),
      ...(figure?.remark ? [paragraph(figure.remark)] : []),
    ),
  ];
}

const marks: Readonly<Record<string, string>> = { holds: "✓", "does not hold": "✗", undecided: "?" };

export const claimTable = ({ claims = [], unit }: Pick<RunRecord, "claims" | "unit">): string =>
  table(
    ["claim", "verdict", `value [95 % interval] against limit, at ${unit}`],
    claims.map(({ says, verdict, numbers }) => [says, `${marks[verdict] ?? ""} ${verdict}`, numbers]),
    false,
  );

/** Samples of each class at each client. */
export function clientSection(clients: NonNullable<RunRecord["clients"]>): string {
  const classes = clients[0].map((_, i) => String(i));
  const rows = clients.map((counts, i) => [
    `client ${i}`,
    ...counts.map(String),
    String(counts.reduce((sum, n) => sum + n, 0)),
  ]);
  return section("Samples of each class at each client", table(["", ...classes, "all"], rows));
}

/** The pairs of a repeated experiment, one per row. */
export function pairSection({ pairs = [] }: RunRecord): string {
  const rows = pairs.map(({ folder, last }, i) => {
    const full = last && fullOf(last);
    const alone = last && summariseSingles(last);
    return [
      `${i + 1}: ${folder}`,
      signed(full?.loss?.barrier, 3),
      signed(full?.error?.barrier, 1),
      alone ? `${signed(alone.worst.barrier, 3)} (${alone.worst.name})` : "not measured",
    ];
  });
  return section(
    "Pairs",
    paragraph(
      "Values above are means over the pairs. An interval spans the intervals of all pairs. The training loss and the clients are those of the first pair.",
      "faint",
    ),
    table(["pair", "full barrier, nats", "full barrier, points", "largest single layer"], rows),
  );
}

export function setup(recipe: Readonly<Record<string, unknown>>): string[][] {
  return Object.entries(recipe).flatMap(([key, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([inner, v]) => [`${key}.${inner}`, Array.isArray(v) ? v.join(", ") : String(v)])
      : [[key, String(value)]],
  );
}

export function distanceTable({ document: { distance, layers } }: Measured): string {
  const row = (
    name: string,
    of: (d: typeof distance | NonNullable<typeof distance.from_init>["a"]) => {
      euclidean: number | null;
      cosine: number | null;
    },
  ) => {
    const parts = [distance, distance.from_init?.a, distance.from_init?.b].map((d) => d && of(d));
    return [name, ...parts.flatMap((d) => [plain(d?.euclidean ?? null), plain(d?.cosine ?? null)])];
  };
  const head = ["layer", "a to b", "cosine", "a from initialisation", "cosine", "b from initialisation", "cosine"];
  return table(head, [...layers.map(({ name }) => row(name, (d) => d.layers[name])), row("all", (d) => d.full)]);
}

export function numbersTable({ document }: Measured, scans: readonly string[]): string {
  const rows = document.layers.flatMap(({ name }) =>
    scans.flatMap((scan) => {
      const [loss, error] = metrics.map((metric) => drawn(document, scan, name, metric, "mean"));
      return loss && error ? [[name, scan, signed(loss.barrier, 4), signed(error.barrier, 2)]] : [];
    }),
  );
  return table(["layer", "scan", "loss barrier (nats)", "error barrier (points)"], rows);
}
