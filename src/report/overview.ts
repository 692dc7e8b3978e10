// One page over several experiments: each with its pictures, what must be seen, and the verdicts.
import { relative } from "node:path";
import { pictureName, scansOf } from "./cells.ts";
import { escapeHtml } from "./numbers.ts";
import { figures, pageHtml, paragraph, section } from "./page.ts";
import { renderRun } from "./run.ts";
import type { RunRecord } from "./run-record.ts";
import { claimTable, figureTitle } from "./sections.ts";

interface Entry {
  readonly record: RunRecord;
  readonly folder: string;
}

/** `at` is the folder of the page, which links to the experiments' own. */
export function renderOverview(entries: readonly Entry[], scale: string, at: string): string {
  const counts = new Map<string, number>();
  for (const { record } of entries) counts.set(verdictOf(record), (counts.get(verdictOf(record)) ?? 0) + 1);
  return pageHtml({
    title: `Layer-wise linear mode connectivity at the ${scale} scale`,
    subtitle: `${entries.length} experiments`,
    finding: "Each experiment with what the paper says must be seen, and whether it is.",
    tiles: [...counts].map(([label, n]) => ({ value: String(n), label })),
    sections: entries.map(({ record, folder }) => {
      const { figures: pictures } = renderRun(record);
      const shown = [
        ...scansOf(record.measurements.map((m) => m.document)).map(pictureName),
        `full-${record.figure?.metric ?? "loss"}`,
        "ends",
      ];
      const link = escapeHtml(`${relative(at, folder)}/report.html`);
      return section(
        figureTitle(record),
        `<p>${escapeHtml(record.figure ? `To be seen: ${record.figure.paper}.` : "")} <a href="${link}">Everything measured</a></p>`,
        ...(record.claims?.length ? [claimTable(record.claims)] : []),
        ...(record.figure?.remark ? [paragraph(record.figure.remark, "faint")] : []),
        figures(shown.flatMap((name) => pictures[name] ?? []).slice(0, 3)),
      );
    }),
  });
}

/** The verdict on a whole figure: it holds when all its claims do, and does not when one does not. */
export function verdictOf({
  claims = [],
}: Pick<RunRecord, "claims">): "holds" | "does not hold" | "undecided" | "no claims" {
  if (claims.length === 0) return "no claims";
  if (claims.some(({ verdict }) => verdict === "does not hold")) return "does not hold";
  return claims.every(({ verdict }) => verdict === "holds") ? "holds" : "undecided";
}
