// Which layers are averaged, and with which alpha: globs, each optionally followed by an equals sign and its own alpha.
import { UserError } from "../core/index.ts";
import { type Layer, matchLayers } from "../models/index.ts";

/**
 * The alpha of every layer that matches a glob; a later glob overrides an earlier one.
 * @example parseLayerAlphas(["layer1.**", "fc=0.25"], layers, 0.5)
 */
export function parseLayerAlphas(
  globs: readonly string[],
  layers: readonly Layer[],
  defaultAlpha: number,
): Map<string, number> {
  const chosen = new Map<string, number>();
  for (const text of globs) {
    const [, glob, given] = /^(.*?)(?:=([^=]*))?$/.exec(text)!;
    const alpha = given === undefined ? defaultAlpha : Number(given);
    if (given === "" || !Number.isFinite(alpha))
      throw new UserError(`${text} has no number after the equals sign. Give an alpha, such as ${glob}=0.25.`);
    for (const { name } of matchLayers(layers, [glob])) chosen.set(name, alpha);
  }
  return new Map(layers.flatMap(({ name }) => (chosen.has(name) ? [[name, chosen.get(name)!] as const] : [])));
}
