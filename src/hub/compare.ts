// What sets two folders apart: the differences in their configs that change what the network computes.
import { UserError } from "../core/index.ts";
import type { ModelFolder } from "./folder.ts";

/** Differences of the two networks, each as a phrase; none where their weights can be averaged one by one. */
function differencesOf(a: ModelFolder, b: ModelFolder): string[] {
  const [x, y] = [flatten(a), flatten(b)];
  const keys = [...new Set([...x.keys(), ...y.keys()])];
  return keys
    .filter((key) => x.get(key) !== y.get(key))
    .map((key) => `${key} is ${x.get(key) ?? "unset"} and ${y.get(key) ?? "unset"}`);
}

/** Throws {@link UserError} where the weights of two folders cannot be averaged one by one. */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder): void {
  const differences = differencesOf(a, b);
  if (differences.length)
    throw new UserError(
      `${a.path} and ${b.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
}

/** Everything that the graph is built from, by readable names; of blocks that are alike the first one only. */
function flatten({ family, decoder }: ModelFolder): Map<string, string> {
  const { blocks, ...rest } = decoder;
  const found = new Map<string, string>([
    ["model_type", family.type],
    ["blocks", String(blocks.length)],
  ]);
  const seen = new Set<string>();
  addLeaves(found, rest, "", decoder.context);
  for (const [i, block] of blocks.entries()) {
    const own = new Map<string, string>();
    addLeaves(own, block, "", decoder.context);
    const key = JSON.stringify([...own]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const [name, value] of own) found.set(`block ${i} ${name}`, value);
  }
  return found;
}

/** The values at the ends of an object's branches, by their paths; functions of a length at the longest text. */
function addLeaves(found: Map<string, string>, value: unknown, path: string, longest: number): void {
  if (typeof value === "function") found.set(path, JSON.stringify(value(longest)));
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) addLeaves(found, inner, path ? `${path}.${key}` : key, longest);
  else if (value !== undefined) found.set(path, String(value));
}
