// Compares two folders: the differences in their configs that change what the network computes.
import { listSome, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import { givenNames, hasLabels, longestText } from "../network.ts";
import { ropeSettings } from "./describe.ts";

/** A setting that differs between two networks, by a readable name. The value is undefined for a network without it. */
export interface Difference {
  readonly name: string;
  readonly a?: string;
  readonly b?: string;
}

/**
 * Throws {@link UserError} if the weights of two folders cannot be averaged elementwise. `mayHeadsDiffer` allows heads
 * of different sizes.
 */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder, { mayHeadsDiffer = false } = {}): void {
  const all = compareNetworks(a, b);
  const differences = (mayHeadsDiffer ? all.filter(({ name }) => name !== countName) : all).map(phraseOf);
  if (differences.length === 0) return;
  if (all.length === 1 && all[0].name === tieName) throw all[0].a === "true" ? otherTie(a, b) : otherTie(b, a);
  const type = all.find(({ name }) => name === typeName); // the other differences follow from it
  throw new UserError(
    `${a.path} and ${b.path} are different networks: ${type ? phraseOf(type) : listSome(differences)}. Give two folders with the same architecture.`,
  );
}

/** The names of the family, of the number of labels, and of the tie between the head and the embedding. */
const [typeName, countName, tieName] = ["model_type", "labels", "isTied"];

const otherTie = (tied: ModelFolder, untied: ModelFolder): UserError =>
  new UserError(
    `${tied.path} ties its head to its embedding, and ${untied.path} does not. Untie the first in Python: set config.tie_word_embeddings to False, make the head's weight a copy of the embedding's, and save it with save_pretrained.`,
  );

const phraseOf = ({ name, a = "unset", b = "unset" }: Difference): string => `${name} is ${a} and ${b}`;

/**
 * The differences of two networks, and of their labels. A different longest text counts only if weights or angles
 * depend on it.
 */
export function compareNetworks(a: ModelFolder, b: ModelFolder): Difference[] {
  const longest = Math.max(longestText(a.network.input), longestText(b.network.input));
  const [x, y] = [a, b].map(({ family, network }) => {
    const settings = network.settings(longest);
    return new Map([[typeName, family.type], ...settings]);
  });
  const names = [...new Set([...x.keys(), ...y.keys()])].filter((name) => x.get(name) !== y.get(name));
  const isRotary = (name: string) => /(^|[ .])rotary\./.test(name);
  const others = names.filter((name) => !isRotary(name)).map((name) => ({ name, a: x.get(name), b: y.get(name) }));
  return [...others, ...(names.some(isRotary) ? [differenceOfRope(a, b)] : []), ...labelDifferences(a, b)];
}

/** The first label with a different name, or else the number of labels. */
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

/** The rotary settings that differ. If only the contexts do (some kinds of rotary embedding depend on them), those. */
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
