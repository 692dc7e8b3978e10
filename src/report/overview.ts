// One page over several experiments: claims, verdicts and pictures of each.
import { relative } from "node:path";
import { pictureName, scansOf } from "./cells.ts";
import { escapeHtml } from "./escape.ts";
import { figures, pageHtml, paragraph, section } from "./page.ts";
import { renderRun } from "./run.ts";
import { type RunRecord, verdictOf } from "./run-record.ts";
import { claimTable, figureTitle } from "./sections.ts";

interface Entry {
  readonly record: RunRecord;
  readonly folder: string;
}

/** `at` is the folder of the page, which links to the pages of the experiments. */
export function renderOverview(entries: readonly Entry[], scale: string, at: string): string {
  const counts = new Map<string, number>();
  for (const { record } of entries) counts.set(verdictOf(record), (counts.get(verdictOf(record)) ?? 0) + 1);
  return pageHtml({
    title: `Layer-wise linear mode connectivity at the ${scale} scale`,
    subtitle: `${entries.length} experiments`,
    finding: "Each experiment with the paper's claims and their verdicts.",
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
        `<p>${escapeHtml(record.figure ? `Paper: ${record.figure.paper}.` : "")} <a href="${link}">Full report</a></p>`,
        ...(record.claims?.length ? [claimTable(record)] : []),
        ...(record.figure?.remark ? [paragraph(record.figure.remark, "faint")] : []),
        figures(shown.flatMap((name) => pictures[name] ?? []).slice(0, 3)),
      );
    }),
  });
}
