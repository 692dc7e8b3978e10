// What sets two folders apart: the differences in their configs that change what the network computes.
import { UserError } from "../core/index.ts";
import { ropeSettings } from "./describe.ts";
import type { ModelFolder } from "./folder.ts";

/** A setting that two networks do not share, by a readable name; undefined where one of them does not have it. */
export interface Difference {
  readonly name: string;
  readonly a?: string;
  readonly b?: string;
}

/** Throws {@link UserError} where the weights of two folders cannot be averaged one by one. */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder): void {
  const differences = compareNetworks(a, b).map(phraseOf);
  if (differences.length)
    throw new UserError(
      `${a.path} and ${b.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
}

const phraseOf = ({ name, a = "unset", b = "unset" }: Difference): string => `${name} is ${a} and ${b}`;

/** Differences of the two networks. Their longest texts are none, unless weights or angles depend on them. */
export function compareNetworks(a: ModelFolder, b: ModelFolder): Difference[] {
  const longest = Math.max(a.network.input.context, b.network.input.context);
  const [x, y] = [a, b].map(({ family, network }) => {
    const settings = network.settings(longest);
    return new Map([["model_type", family.type], ...settings]);
  });
  const names = [...new Set([...x.keys(), ...y.keys()])].filter((name) => x.get(name) !== y.get(name));
  const isRotary = (name: string) => /(^|[ .])rotary\./.test(name);
  const others = names.filter((name) => !isRotary(name)).map((name) => ({ name, a: x.get(name), b: y.get(name) }));
  return names.some(isRotary) ? [...others, differenceOfRope(a, b)] : others;
}

/** What the configs have differently; the contexts where only they differ, by which some kinds stretch. */
function differenceOfRope(a: ModelFolder, b: ModelFolder): Difference {
  const [x, y] = [ropeSettings(a), ropeSettings(b)];
  const [one, other] = [x.filter((s) => !y.includes(s)), y.filter((s) => !x.includes(s))];
  if (one.length + other.length)
    return { name: "rope", a: one.join(", ") || x.join(", "), b: other.join(", ") || y.join(", ") };
  const [kind] = x;
  const [short, long] = [a, b].map(({ network }) => network.input.context);
  return short === long
    ? { name: "rope", a: kind, b: `${kind} with other factors` }
    : { name: "rope", a: `${kind} for ${short} positions`, b: `for ${long}` };
}
