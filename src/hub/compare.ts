// What sets two folders apart: the differences in their configs that change what the network computes.
import { UserError } from "../core/index.ts";
import type { ModelFolder } from "./folder.ts";

/** Differences of the two networks, each as a phrase; none where their weights can be averaged one by one. */
function differencesOf(a: ModelFolder, b: ModelFolder): string[] {
  const [x, y] = [a, b].map(({ family, network }) => new Map([["model_type", family.type], ...network.settings()]));
  const keys = [...new Set([...x.keys(), ...y.keys()])];
  return keys
    .filter((key) => x.get(key) !== y.get(key))
    .map((key) => `${key} is ${x.get(key) ?? "unset"} and ${y.get(key) ?? "unset"}`);
}

/** What sets the labels of two folders apart: their number, or the names of the same ones; undefined where nothing does. */
function labelDifference(a: ModelFolder, b: ModelFolder): string | undefined {
  const [x, y] = [a.network.task, b.network.task];
  if (x.count !== y.count) return `${a.path} has ${x.count} and ${b.path} has ${y.count}`;
  const [own, others] = [x, y].map(({ names }) => [...(names?.keys() ?? [])].map((name) => name.toLowerCase()));
  const isNamed = (name: string | undefined) => name !== undefined && !/^label_\d+$/.test(name);
  const at = own.findIndex((name, i) => isNamed(name) && isNamed(others[i]) && name !== others[i]);
  if (at < 0) return undefined;
  return `label ${at} is ${own[at]} in ${a.path} and ${others[at]} in ${b.path}`;
}

/** Throws {@link UserError} where the weights of two folders cannot be averaged one by one. */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder): void {
  const differences = differencesOf(a, b);
  if (differences.length)
    throw new UserError(
      `${a.path} and ${b.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
  const labels = labelDifference(a, b);
  if (labels) throw new UserError(`The labels of the two differ: ${labels}. Give two folders with the same labels.`);
}
