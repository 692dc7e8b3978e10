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

/** What sets the labels of two folders apart: the names of the same ones, or their number; undefined where nothing does. */
export function labelDifference(
  a: ModelFolder,
  b: ModelFolder,
): { kind: "number" | "names"; text: string } | undefined {
  const [x, y] = [a.network.task, b.network.task];
  const [own, others] = [x, y].map(({ names }) => [...(names?.keys() ?? [])].map((name) => name.toLowerCase()));
  const isNamed = (name: string | undefined) => name !== undefined && !/^label_\d+$/.test(name);
  const at = own.findIndex((name, i) => isNamed(name) && isNamed(others[i]) && name !== others[i]);
  if (at >= 0) return { kind: "names", text: `label ${at} is ${own[at]} in ${a.path} and ${others[at]} in ${b.path}` };
  if (x.count === y.count) return undefined;
  return { kind: "number", text: `${a.path} has ${x.count} labels and ${b.path} has ${y.count}` };
}
