// The plan in the terminal: what is missing, and what it costs.
import type { Cost } from "../../experiments/index.ts";
import { formatDuration } from "./progress.ts";

export function formatPlan(costs: readonly Cost[]): string {
  const total = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0);
  const rows = costs.map(({ names, networks, points, seconds }) => [
    names.join(", "),
    part(networks, "networks"),
    part(points, "points"),
    seconds ? `about ${formatDuration(seconds)}` : "nothing to do",
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) => `  ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
  if (total((c) => c.seconds) === 0) return "Nothing to do: everything is trained and measured.";
  const sum = [
    `about ${formatDuration(total((c) => c.seconds))} on this machine`,
    `${short(total((c) => c.samples))} samples to train on`,
    `${short(total((c) => c.evaluations))} evaluations of a network on a sample`,
    `${size(total((c) => c.bytes))} of checkpoints`,
  ];
  const isLong = total((c) => c.seconds) > 24 * 3600;
  const hint = isLong ? `\n${estimateOnGpu(total((c) => c.operations))}` : "";
  return `To do:\n${lines.join("\n")}\nIn all ${sum[0]}: ${sum[1]},\n${sum[2]}, ${sum[3]}.${hint}`;
}

/** The time on a GPU of a stated speed, as the reader's GPU is unknown. */
const estimateOnGpu = (operations: number): string =>
  `That is ${Math.round(operations / 1e12).toLocaleString("en")} TFLOP: about ${formatDuration(operations / 1e13)} on a GPU that sustains 10 TFLOP/s.\nWith --device cuda or webgpu, --plan times a step on this machine's GPU.`;

const part = ({ missing, all }: { missing: number; all: number }, what: string) =>
  missing === all ? `${all} ${what}` : missing ? `${missing} of ${all} ${what}` : `no ${what}`;

function short(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} billion`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} million`;
  return n.toLocaleString("en");
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
