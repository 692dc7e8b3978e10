// What `merge` prints.
import { listSome, signed } from "../../core/index.ts";
import type { MergeRecord } from "../../merging/index.ts";
import { wrapped } from "./wrap.ts";

/** Describes a merge: the layers, the checks, the notes and the files. */
export function describeMerge(record: MergeRecord, path: string): string {
  const { out, a, base, averaged, kept, parameters, budget, checked, notes = [] } = record;
  const share = ((100 * parameters.averaged) / Math.max(1, parameters.all)).toFixed(1);
  const names = Object.keys(averaged);
  const list = (some: readonly string[]) => listSome(some, 12);
  const lines = [
    kept.length
      ? `Averaged ${names.length} of ${names.length + kept.length} layers, ${share} % of the parameters: ${list(names) || "none"}.`
      : `Averaged ${names.length === 1 ? "the only layer" : `all ${names.length} layers`}.`,
    ...(kept.length ? [`Kept from ${base}: ${list(kept)}.`] : []),
  ];
  if (budget) {
    const barrier = signed(budget.barrier, 4);
    const sets = `${budget.evaluated} sets were evaluated`;
    const isOver = budget.barrier !== null && budget.barrier > budget.limit;
    const gap = isOver
      ? ` ${base}'s own ${budget.metric} is ${budget.barrier?.toFixed(4)} above the mean of the two ends: try --base ${base === "a" ? "b" : "a"}.`
      : "";
    lines.push(
      names.length
        ? `Their joint ${budget.metric} barrier is ${barrier}, within ${budget.limit} (${sets}).`
        : `No set of layers has a joint ${budget.metric} barrier of at most ${budget.limit} (${sets}), so the result equals ${base}.${gap}`,
    );
  }
  if (checked) {
    const number = (x: number | null) => (x === null ? "–" : x.toFixed(4));
    const barrierOf = names.length ? "barrier" : "from the mean of the ends:";
    const error =
      checked.error === null || checked.error_barrier === null
        ? ""
        : `, error ${checked.error.toFixed(1)} % (${barrierOf} ${signed(checked.error_barrier, 1)} points)`;
    lines.push(
      `The written file on ${checked.samples} samples: loss ${number(checked.loss)} (${barrierOf} ${signed(checked.loss_barrier, 4)})${error}.`,
    );
  }
  lines.push(...notes.map((note) => `Note: ${note}`));
  const written = out.files
    ? `Written: ${out.path} with ${path}.`
    : `Written: ${out.path} in the format of ${a.path}, and ${path}.`;
  return [...lines, written].map((line) => wrapped(line, "", 0)).join("\n");
}
