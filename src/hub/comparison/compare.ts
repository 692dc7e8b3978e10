// What sets two folders apart: the differences in their configs that change what the network computes.
import { UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import { givenNames, hasLabels, longestText } from "../network.ts";
import { ropeSettings } from "./describe.ts";

/** A setting that two networks do not share, by a readable name; undefined where one of them does not have it. */
export interface Difference {
  readonly name: string;
  readonly a?: string;
  readonly b?: string;
}

/** Throws {@link UserError} where the weights of two folders cannot be averaged one by one. `mayHeadsDiffer` lets them have heads of different sizes. */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder, { mayHeadsDiffer = false } = {}): void {
  const all = compareNetworks(a, b);
  const differences = (mayHeadsDiffer ? all.filter(({ name }) => name !== countName) : all).map(phraseOf);
  if (differences.length)
    throw new UserError(
      `${a.path} and ${b.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
}

/** What the number of labels is called. */
const countName = "labels";

const phraseOf = ({ name, a = "unset", b = "unset" }: Difference): string => `${name} is ${a} and ${b}`;

/** Differences of the two networks, and of their labels. Their longest texts are none, unless weights or angles depend on them. */
export function compareNetworks(a: ModelFolder, b: ModelFolder): Difference[] {
  const longest = Math.max(longestText(a.network.input), longestText(b.network.input));
  const [x, y] = [a, b].map(({ family, network }) => {
    const settings = network.settings(longest);
    return new Map([["model_type", family.type], ...settings]);
  });
  const names = [...new Set([...x.keys(), ...y.keys()])].filter((name) => x.get(name) !== y.get(name));
  const isRotary = (name: string) => /(^|[ .])rotary\./.test(name);
  const others = names.filter((name) => !isRotary(name)).map((name) => ({ name, a: x.get(name), b: y.get(name) }));
  return [...others, ...(names.some(isRotary) ? [differenceOfRope(a, b)] : []), ...labelDifferences(a, b)];
}

/** The first label that has another name, or their number, which is `labels`. */
function labelDifferences(a: ModelFolder, b: ModelFolder): Difference[] {
  const [x, y] = [a.network.task, b.network.task];
  if (![a, b].every(({ network }) => hasLabels(network))) return [];
  const [own, others] = [x, y].map(({ names }) => [...(names?.keys() ?? [])]);
  const given = new Set([x, y].flatMap(givenNames));
  const isNamed = (name: string | undefined) => name !== undefined && given.has(name);
  const isOther = (name: string, i: number) =>
    isNamed(name) && isNamed(others[i]) && name.toLowerCase() !== others[i].toLowerCase();
  const at = own.findIndex(isOther);
  if (at >= 0) return [{ name: `label ${at}`, a: own[at], b: others[at] }];
  return x.count === y.count ? [] : [{ name: countName, a: `${x.count}`, b: `${y.count}` }];
}

/** What the configs have differently; the contexts where only they differ, by which some kinds stretch. */
function differenceOfRope(a: ModelFolder, b: ModelFolder): Difference {
  const [x, y] = [ropeSettings(a), ropeSettings(b)];
  const [one, other] = [x.filter((s) => !y.includes(s)), y.filter((s) => !x.includes(s))];
  if (one.length + other.length)
    return { name: "rope", a: one.join(", ") || x.join(", "), b: other.join(", ") || y.join(", ") };
  const [kind] = x;
  const [short, long] = [a, b].map(({ network }) => longestText(network.input));
  return short === long
    ? { name: "rope", a: kind, b: `${kind} with other factors` }
    : { name: "rope", a: `${kind} for ${short} positions`, b: `for ${long}` };
}
