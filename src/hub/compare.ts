// What sets two folders apart: the differences in their configs that change what the network computes.
import type { ModelFolder } from "./folder.ts";

/** Differences of the two networks, each as a phrase; none where their weights can be averaged one by one. */
export function differencesOf(a: ModelFolder, b: ModelFolder): string[] {
  const [x, y] = [a, b].map(({ family, network }) => new Map([["model_type", family.type], ...network.settings()]));
  const keys = [...new Set([...x.keys(), ...y.keys()])];
  return keys
    .filter((key) => x.get(key) !== y.get(key))
    .map((key) => `${key} is ${x.get(key) ?? "unset"} and ${y.get(key) ?? "unset"}`);
}
