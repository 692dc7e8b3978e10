// Names whose components are separated only by underscores: `conv0_weight` in Gluon, `conv1_w_0` in Caffe2, maybe all
// behind one scope (`gpu_0/conv1_w_0`). A layer needs at least two names with the same beginning.
import { groupBy } from "./group-by.ts";
import { layerOf, moduleOf } from "./paths.ts";

const ending = /^(.+?)_(?:weight|bias|gamma|beta|(?:running|moving)_(?:mean|var)|[wbs]|rm|riv)((?:_\d+)?)$/;

/**
 * The common prefix of names, up to an underscore of their last component; undefined if there is none.
 * @example commonStem(["bn0_gamma", "bn0_running_mean"]) gives "bn0"
 */
export function commonStem(names: readonly string[]): string | undefined {
  const [first, ...others] = names.map((name) => name.split("_"));
  const length = first.findIndex((part, i) => others.some((parts) => parts[i] !== part));
  const isPart = length > 0 && others.length > 0 && others.every((parts) => parts.length > length);
  return isPart && !/[./]/.test(first.slice(length).join()) ? first.slice(0, length).join("_") : undefined;
}

/** A name divided at its ending. */
interface Divided {
  readonly name: string;
  readonly module: string;
  /** What comes before the ending, with the module. */
  readonly stem: string;
  /** The stem with the number after the ending: equal for the tensors of one layer. */
  readonly key: string;
}

/** The names that have an ending after an underscore. */
function divide(names: readonly string[]): Divided[] {
  return names.flatMap((name) => {
    const module = moduleOf(name);
    const path = module && name.slice(0, module.length + 1);
    const own = name.slice(path.length);
    const [, beginning, number] = (/[./]/.test(own) ? undefined : ending.exec(own)) ?? [];
    const stem = `${path}${beginning}`;
    return beginning === undefined ? [] : [{ name, module, stem, key: `${stem}${number}` }];
  });
}

/**
 * The names behind a scope, which is not a module: it has underscored names of several layers, and at least one has
 * two. PyTorch's `attn.in_proj_weight` and `attn.in_proj_bias` are of one, so `attn` is their module.
 */
export function behindScopes(names: readonly string[]): ReadonlySet<string> {
  const divided = divide(names).filter(({ module }) => module !== "");
  const scopes = [...groupBy(divided, ({ module }) => [module]).values()].filter((some) => {
    const layers = groupBy(some, ({ key }) => [key]);
    return layers.size > 1 && layers.size < some.length;
  });
  return new Set(scopes.flat().map(({ name }) => name));
}

/**
 * The layers of names without a module, or among `scoped`: the part before a usual ending, if two or more names have it
 * and no other layer does. Other scoped names are layers of their own.
 */
export function layersByEnding(names: readonly string[], scoped: ReadonlySet<string>): Map<string, string> {
  const isOwn = (name: string) => scoped.has(name);
  const groups = groupBy(
    divide(names).filter(({ name, module }) => module === "" || isOwn(name)),
    ({ key }) => [key],
  );
  const together = [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({ stem: group[0].stem, names: group.map(({ name }) => name) }));
  const alone = new Map(names.filter(isOwn).map((name) => [name, name]));
  return new Map([
    ...alone,
    ...nameLayers(
      together,
      names.map((name) => alone.get(name) ?? layerOf(name)),
    ),
  ]);
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
