// What a measurement found, in words and in a few numbers. Reads stored values only.
import type { Measurement } from "../connectivity/index.ts";
import { drawn, fullOf } from "./cells.ts";
import { plain, signed } from "./numbers.ts";

/** The single-layer loss barriers, mean over the bases that were measured: their median and the largest; undefined where there are none. */
export function singles(
  document: Measurement,
): { median: number; worst: { name: string; barrier: number } } | undefined {
  const alone = document.layers
    .flatMap(({ name }) => {
      const barrier = drawn(document, "single", name, "loss", "mean")?.barrier ?? null;
      return barrier === null ? [] : [{ name, barrier }];
    })
    .sort((x, y) => x.barrier - y.barrier);
  if (alone.length === 0) return undefined;
  const middle = (alone.length - 1) / 2;
  return { median: (alone[Math.floor(middle)].barrier + alone[Math.ceil(middle)].barrier) / 2, worst: alone.at(-1)! };
}

/** A sentence or two that begin in lower case. */
export function finding(document: Measurement): string {
  const full = fullOf(document);
  const alone = singles(document);
  const joint = full
    ? `the network averaged in all layers has a loss barrier of ${signed(full.loss_barrier)} and an error barrier of ${signed(full.error_barrier, 1)} points`
    : "";
  if (!alone) return joint ? `${joint}.` : "no single layers and no full average were measured.";
  const { median, worst } = alone;
  const single = `averaging one layer alone costs ${signed(median, 3)} in the median and ${signed(worst.barrier)} at most (${worst.name})`;
  return joint ? `${joint}; ${single}.` : `${single}.`;
}

/** The random baseline beside the average, for single layers; undefined where none was measured. */
export function baselineSentence({ cells }: Measurement): string | undefined {
  const alone = cells.filter((cell) => cell.scan === "single" && cell.baseline);
  if (alone.length === 0) return undefined;
  const medianOf = (values: (number | null)[]) => {
    const sorted = values.filter((x) => x !== null).sort((x, y) => x - y);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  };
  const average = medianOf(alone.map((cell) => cell.loss_barrier));
  const random = medianOf(alone.map((cell) => cell.baseline!.loss_barrier));
  return `A random step of the same length in one layer has a loss barrier of ${signed(random, 3)} in the median, the step to the average ${signed(average, 3)}.`;
}

export function tilesOf(document: Measurement): { value: string; label: string }[] {
  const full = fullOf(document);
  const alone = singles(document);
  const { a, b } = document.ends;
  const range = full?.loss_interval
    ? `, 95 % ${signed(full.loss_interval[0])} to ${signed(full.loss_interval[1])}`
    : "";
  return [
    ...(full
      ? [
          { value: signed(full.loss_barrier), label: `full loss barrier${range}` },
          { value: signed(full.error_barrier, 1), label: "full error barrier, points" },
        ]
      : []),
    ...(alone
      ? [
          { value: signed(alone.median, 3), label: "one layer alone, median" },
          { value: signed(alone.worst.barrier), label: `one layer alone, worst: ${alone.worst.name}` },
        ]
      : []),
    { value: `${plain(a.loss, 3)} · ${plain(b.loss, 3)}`, label: "loss of the ends a · b" },
    { value: `${plain(a.error, 3)} · ${plain(b.error, 3)} %`, label: "error of the ends a · b" },
  ];
}
