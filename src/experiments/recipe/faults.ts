// Says what is wrong in a recipe: the key, what it must be, and what it is.
import type { z } from "zod";
import { listSome, nearest } from "../../core/index.ts";
import { knownKeys } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** One fault in a sentence: `r.yaml: training.lr must be a number, not "fast".` Several as a list. */
export function describeFaults(path: string, issues: readonly Issue[]): string {
  const faults = issues.flatMap(describe);
  return faults.length === 1
    ? `${path}: ${faults[0]}.`
    : [`${path} has ${faults.length} faults:`, ...faults].join("\n  ");
}

function describe(issue: Issue): string | string[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => describeUnknown(issue.path, key));
  const at = issue.path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  const key = at.replace(/^\./, "") || "the recipe";
  const wanted = requirement(issue);
  if (wanted === undefined) return `${key}: ${issue.message}`;
  const { input } = issue;
  if (input === undefined) return `${key} is missing; it must be ${wanted}`;
  const near = issue.code === "invalid_value" ? nearest(String(input), issue.values.map(String)) : undefined;
  return `${key} must be ${wanted}, not ${show(input)}${near === undefined ? "" : ` (did you mean ${near}?)`}`;
}

function describeUnknown(path: readonly PropertyKey[], key: string): string {
  const known = knownKeys(path);
  const near = nearest(key, known);
  const where = [...path, key].join(".");
  return `${where} is not a known key${near ? ` (did you mean ${near}?)` : ""}. Known keys: ${listSome(known, 20)}`;
}

const types: Readonly<Record<string, string>> = {
  number: "a number",
  int: "an integer",
  string: "text",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a set of keys",
};

/** What a value must be; undefined if the issue's message says it. */
function requirement(issue: Issue): string | undefined {
  if (issue.code === "invalid_type") return types[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return orList(issue.values.map(String));
  if (issue.code === "too_small") return bounded(issue.origin, issue.inclusive ? "at least" : "above", issue.minimum);
  if (issue.code === "too_big") return bounded(issue.origin, issue.inclusive ? "at most" : "below", issue.maximum);
  if (issue.code === "invalid_union") return orList(issue.errors.flatMap(([first]) => requirement(first) ?? []));
  return undefined;
}

const bounded = (origin: string, relation: string, limit: number | bigint): string =>
  origin === "array" ? `a list of ${relation} ${limit} entries` : `${relation} ${limit}`;

const orList = (items: readonly string[]): string => {
  const own = [...new Set(items)];
  return own.length > 1 ? `${own.slice(0, -1).join(", ")} or ${own.at(-1)}` : own.join("");
};

/** A value as in YAML, on one line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
