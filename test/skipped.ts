// Why tests were skipped, from their names: a test that needs what a machine may lack says so in parentheses.

const needsShared =
  "they need ../shared, large files that the repository does not contain. What it does contain was tested (docs/how-we-know.md)";

/** The reason in the full name of a skipped test. */
function reasonOf(name: string): string {
  const said = /\(skipped: ([^)]+)\)/.exec(name)?.[1];
  if (said && !said.startsWith("../shared")) return said;
  if (name.includes("../shared")) return needsShared;
  return /\(([^()]+)\)(?= > |$)/.exec(name)?.[1] ?? "their names do not say why";
}

/** A line for each reason, the most frequent first: `N tests skipped: REASON.` */
export function countReasons(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of names.map(reasonOf)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .sort(([, x], [, y]) => y - x)
    .map(([reason, count]) => `${count} ${count === 1 ? "test" : "tests"} skipped: ${reason}.`);
}
