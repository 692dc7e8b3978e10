// What sets two folders apart: the differences in their configs that change what the network computes.
import { ropeSettings } from "./describe.ts";
import type { ModelFolder } from "./folder.ts";

/** A setting that two networks do not share, by a readable name; undefined where one of them does not have it. */
export interface Difference {
  readonly name: string;
  readonly a?: string;
  readonly b?: string;
}

/** Differences of the two networks, each as a phrase; none where their weights can be averaged one by one. */
export const differencesOf = (a: ModelFolder, b: ModelFolder): string[] => compareNetworks(a, b).map(phraseOf);

export const phraseOf = ({ name, a = "unset", b = "unset" }: Difference): string => `${name} is ${a} and ${b}`;

/** Differences of the two networks. Their longest texts are none, unless weights or angles depend on them. */
export function compareNetworks(a: ModelFolder, b: ModelFolder): Difference[] {
  const longest = Math.max(a.decoder.context, b.decoder.context);
  const [x, y] = [flatten(a, longest), flatten(b, longest)];
  const names = [...new Set([...x.keys(), ...y.keys()])].filter((name) => x.get(name) !== y.get(name));
  const isRotary = (name: string) => /(^|[ .])rotary\./.test(name);
  const others = names.filter((name) => !isRotary(name)).map((name) => ({ name, a: x.get(name), b: y.get(name) }));
  return names.some(isRotary) ? [...others, differenceOfRope(a, b)] : others;
}

/** Everything that the graph is built from, by readable names; of blocks that are alike the first one only. */
function flatten({ family, decoder }: ModelFolder, longest: number): Map<string, string> {
  const { blocks, context, ...rest } = decoder;
  const found = new Map<string, string>([
    ["model_type", family.type],
    ["blocks", String(blocks.length)],
    ...(decoder.positions ? [["context", String(context)] as const] : []),
  ]);
  const seen = new Set<string>();
  addLeaves(found, rest, "", longest);
  for (const [i, block] of blocks.entries()) {
    const own = new Map<string, string>();
    addLeaves(own, block, "", longest);
    const key = JSON.stringify([...own]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const [name, value] of own) found.set(`block ${i} ${name}`, value);
  }
  return found;
}

/** The values at the ends of an object's branches, by their paths; of functions of a text's length what they give up to twice the longest. */
function addLeaves(found: Map<string, string>, value: unknown, path: string, longest: number): void {
  if (typeof value === "function")
    found.set(
      path,
      sampled((length) => JSON.stringify(value(length)), longest),
    );
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) addLeaves(found, inner, path ? `${path}.${key}` : key, longest);
  else if (value !== undefined) found.set(path, String(value));
}

/** The first value of a function of a length, its last ones, and the length from which it is another one than at first. */
function sampled(at: (length: number) => string, longest: number): string {
  const first = at(1);
  let [same, other] = [1, longest];
  while (at(other) !== first && other - same > 1) {
    const middle = (same + other) >> 1;
    if (at(middle) === first) same = middle;
    else other = middle;
  }
  return [first, at(longest), at(2 * longest), at(other) === first ? "" : other].join(" ");
}

/** What the configs have differently; the contexts where only they differ, by which some kinds stretch. */
function differenceOfRope(a: ModelFolder, b: ModelFolder): Difference {
  const [x, y] = [ropeSettings(a), ropeSettings(b)];
  const [one, other] = [x.filter((s) => !y.includes(s)), y.filter((s) => !x.includes(s))];
  if (one.length + other.length)
    return { name: "rope", a: one.join(", ") || x.join(", "), b: other.join(", ") || y.join(", ") };
  const [kind] = x;
  const [short, long] = [a, b].map(({ decoder }) => decoder.context);
  return short === long
    ? { name: "rope", a: kind, b: `${kind} with other factors` }
    : { name: "rope", a: `${kind} for ${short} positions`, b: `for ${long}` };
}
