// What a measurement found, in words and in a few numbers. Reads stored values only.
import type { Measurement } from "../connectivity/index.ts";
import { cellOf, drawn } from "./cells.ts";
import { plain, signed } from "./numbers.ts";

/** Single-layer loss barriers, mean over the bases that were measured, ascending. */
export function singles(document: Measurement): { name: string; barrier: number }[] {
  return document.layers
    .flatMap(({ name }) => {
      const ends = (["a", "b"] as const).flatMap((end) => drawn(document, "single", name, "loss", end) ?? []);
      return ends.length && ends.every((view) => view.barrier !== null)
        ? [{ name, barrier: ends.reduce((sum, view) => sum + view.barrier!, 0) / ends.length }]
        : [];
    })
    .sort((x, y) => x.barrier - y.barrier);
}

const median = (list: readonly { barrier: number }[]) =>
  (list[Math.floor((list.length - 1) / 2)].barrier + list[Math.ceil((list.length - 1) / 2)].barrier) / 2;

/** A sentence or two that begin in lower case. */
export function finding(document: Measurement): string {
  const full = cellOf(document, "full", null, null);
  const alone = singles(document);
  const joint = full
    ? `the network averaged in all layers has a loss barrier of ${signed(full.loss_barrier)} and an error barrier of ${signed(full.error_barrier, 1)} points`
    : "";
  if (alone.length === 0) return joint ? `${joint}.` : "no single layers and no full average were measured.";
  const worst = alone.at(-1)!;
  const single = `averaging one layer alone costs ${signed(median(alone), 3)} in the median and ${signed(worst.barrier)} at most (${worst.name})`;
  return joint ? `${joint}; ${single}.` : `${single}.`;
}

export function tilesOf(document: Measurement): { value: string; label: string }[] {
  const full = cellOf(document, "full", null, null);
  const alone = singles(document);
  const { a, b } = document.ends;
  const range = full?.loss_interval
    ? `, 95 % ${signed(full.loss_interval[0])} to ${signed(full.loss_interval[1])}`
    : "";
  return [
    ...(full
      ? [
          { value: signed(full.loss_barrier), label: `full loss barrier${range}` },
          { value: `${signed(full.error_barrier, 1)}`, label: "full error barrier, points" },
        ]
      : []),
    ...(alone.length
      ? [
          { value: signed(median(alone), 3), label: "one layer alone, median" },
          { value: signed(alone.at(-1)!.barrier), label: `one layer alone, worst: ${alone.at(-1)!.name}` },
        ]
      : []),
    { value: `${plain(a.loss, 3)} · ${plain(b.loss, 3)}`, label: "loss of the ends a · b" },
    { value: `${plain(a.error, 3)} · ${plain(b.error, 3)} %`, label: "error of the ends a · b" },
  ];
}
