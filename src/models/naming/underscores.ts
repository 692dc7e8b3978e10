// Names whose components are separated only by underscores: `conv0_weight` in Gluon, `conv1_w_0` in Caffe2. A layer
// needs at least two names with the same beginning.
import { layerOf } from "./paths.ts";

const ending = /^(.+?)_(?:weight|bias|gamma|beta|(?:running|moving)_(?:mean|var)|[wbs]|rm|riv)((?:_\d+)?)$/;

/**
 * The common prefix of names, up to an underscore; undefined if there is none.
 * @example commonStem(["bn0_gamma", "bn0_running_mean"]) gives "bn0"
 */
export function commonStem(names: readonly string[]): string | undefined {
  const [first, ...others] = names.map((name) => name.split("_"));
  const length = first.findIndex((part, i) => others.some((parts) => parts[i] !== part));
  const isPart = length > 0 && others.length > 0 && others.every((parts) => parts.length > length);
  return isPart ? first.slice(0, length).join("_") : undefined;
}

/**
 * The layers of names without a module: the part before a usual ending, if two or more names have it and no other layer
 * does.
 */
export function layersByEnding(names: readonly string[]): Map<string, string> {
  const groups = new Map<string, { stem: string; names: string[] }>();
  for (const name of names) {
    const [, stem, number] = (/[./]/.test(name) ? undefined : ending.exec(name)) ?? [];
    if (stem === undefined) continue;
    const group = groups.get(stem + number) ?? { stem, names: [] };
    groups.set(stem + number, group);
    group.names.push(name);
  }
  const together = [...groups.values()].filter((group) => group.names.length > 1);
  const known = names.map(layerOf);
  return nameLayers(together, known);
}

/** Uses the stem of each group as the layer of its names, unless another group or layer has it. */
export function nameLayers(
  groups: readonly { readonly stem: string; readonly names: readonly string[] }[],
  layers: Iterable<string>,
): Map<string, string> {
  const taken = new Set(layers);
  const count = new Map<string, number>();
  for (const { stem } of groups) count.set(stem, (count.get(stem) ?? 0) + 1);
  const isFree = (stem: string) => !taken.has(stem) && count.get(stem) === 1;
  return new Map(groups.flatMap(({ stem, names }) => (isFree(stem) ? names.map((name) => [name, stem] as const) : [])));
}
