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

/** Throws {@link UserError} where the weights of two folders cannot be averaged one by one. */
export function requireSameNetwork(a: ModelFolder, b: ModelFolder): void {
  const differences = differencesOf(a, b);
  if (differences.length)
    throw new UserError(
      `${a.path} and ${b.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
}
