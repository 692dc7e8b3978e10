// The check before a merge in the terminal: the verdict, then one line per comparison.
import type { FolderComparison } from "../../distance/index.ts";
import { wrapped } from "./wrap.ts";

type Preflight = FolderComparison["preflight"];

/** Equal; different or missing but harmless; different and harmful. */
const marks = { same: "✓", note: "•", fault: "✗" } as const;

export function showPreflight({ verdict, checks }: Preflight): string {
  const names = Math.max(...checks.map(({ name }) => name.length));
  const indent = " ".repeat(names + 4);
  const lines = checks.map(({ name, status, garbage, says }) => {
    const mark = marks[garbage ? "fault" : status === "same" ? "same" : "note"];
    const text = { same: `same: ${says}`, different: `different: ${says}`, missing: says }[status];
    return `${mark} ${name.padEnd(names)}  ${wrapped(text, "", indent.length).replaceAll("\n", `\n${indent}`)}`;
  });
  return [wrapped(verdict, ""), "", ...lines].join("\n");
}
