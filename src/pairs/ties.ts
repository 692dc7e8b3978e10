// Finds matrices that are one tensor under several names in both ends.
import { mayBeTied } from "../distance/index.ts";
import type { End } from "./end.ts";

/** The groups of names whose elements are equal in a and equal in b. */
export function findTied(a: End, b: End): string[][] {
  const groups = new Map<string, string[]>();
  for (const [name, info] of a.tensors) {
    if (!mayBeTied(info) || a.isConstant(name)) continue;
    const key = `${a.digestOf(name)} ${b.digestOf(name)}`;
    const group = groups.get(key);
    if (group) group.push(name);
    else groups.set(key, [name]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}
