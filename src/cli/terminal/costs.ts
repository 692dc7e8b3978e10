// A plan in the terminal: what is there, what is missing, what it costs.
import type { Cost } from "../../experiments/index.ts";
import { duration } from "./progress.ts";

export function planText(costs: readonly Cost[]): string {
  const total = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0);
  const rows = costs.map(({ names, networks, points, seconds }) => [
    names.join(", "),
    part(networks, "networks"),
    part(points, "points"),
    seconds ? `about ${duration(seconds)}` : "nothing to do",
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) => `  ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
  if (total((c) => c.seconds) === 0) return "Everything is trained and measured.";
  const sum = [
    `about ${duration(total((c) => c.seconds))} on this machine`,
    `${short(total((c) => c.samples))} samples to train on`,
    `${short(total((c) => c.evaluations))} evaluations of a network on a sample`,
    `${size(total((c) => c.bytes))} of checkpoints`,
  ];
  const isLong = total((c) => c.seconds) > 24 * 3600;
  const hint = isLong ? `\n${onCard(total((c) => c.operations))}` : "";
  return `To do:\n${lines.join("\n")}\nIn all ${sum[0]}: ${sum[1]},\n${sum[2]}, ${sum[3]}.${hint}`;
}

/** What a graphics card would take, at a speed that is named: it is the reader who knows the card. */
const onCard = (operations: number): string =>
  `These are ${Math.round(operations / 1e12).toLocaleString("en")} TFLOP: about ${duration(operations / 1e13)} on a card that sustains 10 TFLOP/s.\nWith --device cuda or webgpu, --plan measures a step on the card of this machine.`;

const part = ({ missing, all }: { missing: number; all: number }, what: string) =>
  missing === all ? `${all} ${what}` : missing ? `${missing} of ${all} ${what}` : `no ${what}`;

function short(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} thousand million`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} million`;
  return n.toLocaleString("en");
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
