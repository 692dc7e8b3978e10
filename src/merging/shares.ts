// Which layers are averaged, and with what weight of b: globs, each perhaps with a weight of its own behind an equals sign.
import { UserError } from "../core/index.ts";
import { type Layer, matchLayers } from "../models/index.ts";

/**
 * The weight of b of every layer that one of the globs names; a later glob overrides an earlier one.
 * @example parseShares(["layer1.**", "fc=0.25"], layers, 0.5)
 */
export function parseShares(globs: readonly string[], layers: readonly Layer[], alpha: number): Map<string, number> {
  const chosen = new Map<string, number>();
  for (const text of globs) {
    const [, glob, given] = /^(.*?)(?:=([^=]*))?$/.exec(text)!;
    const weight = given === undefined ? alpha : Number(given);
    if (given === "" || !Number.isFinite(weight))
      throw new UserError(`${text} gives no number behind the equals sign. Write a weight of b, such as ${glob}=0.25.`);
    for (const { name } of matchLayers(layers, [glob])) chosen.set(name, weight);
  }
  return new Map(layers.flatMap(({ name }) => (chosen.has(name) ? [[name, chosen.get(name)!] as const] : [])));
}
