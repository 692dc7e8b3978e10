// Layers are the units that are averaged or kept. A layer's name is a tensor's name without its last component, so
// weight and bias are one layer. Layers are in state-dict order. Tied parameters are one layer, with the name and
// position of the last module. Counters, masks and other tensors that are not averaged do not count in a layer's size.
import { type DType, isFloating, listSome, nearest, sizeOf, UserError } from "../core/index.ts";
import { dtypeOf } from "./initialise.ts";
import { holderOf, type Model, type Parameter } from "./model.ts";
import { blocksOf, globExpression, layerOf, moduleOf } from "./naming/paths.ts";
import { behindScopes, layersByEnding } from "./naming/underscores.ts";

/** How tensors form layers: by module, block, attention or MLP part of a block, or each on its own. */
export type Grouping = "module" | "block" | "sublayer" | "tensor";

export interface Layer {
  readonly name: string;
  /** Names of its tensors, including counters and every name of a tied tensor. */
  readonly parameters: readonly string[];
  /** Number of averaged elements; a tied tensor counts once. */
  readonly size: number;
}

export interface LayerTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its layer, if its name does not give it. */
  readonly layer?: string;
  /** Counters and kept tensors belong to a layer, but do not form one on their own. Nor do tensors without elements. */
  readonly kind?: Parameter["kind"];
}

export interface GroupOptions {
  readonly group?: Grouping;
  /** Groups of names of one tensor; the last name gives the layer. */
  readonly tied?: readonly (readonly string[])[];
}

/** Groups tensors, in state-dict order, into layers. */
export function groupLayers(
  tensors: Iterable<LayerTensor>,
  { group = "module", tied = [] }: GroupOptions = {},
): Layer[] {
  const all = [...tensors];
  const holder = holderOf(tied);
  const nameOf = layerNames(all, group);
  const earlier = new Map<string, string[]>();
  for (const { name } of all) {
    const held = holder(name);
    if (held !== name) earlier.set(held, [...(earlier.get(held) ?? []), name]);
  }
  const layers = new Map<string, { parameters: string[]; size: number; isLayer: boolean }>();
  for (const one of all) {
    const { name, dtype, shape, kind = "weight" } = one;
    if (holder(name) !== name) continue; // a tied tensor takes the position of its last name
    const key = nameOf(one);
    const layer = layers.get(key) ?? { parameters: [], size: 0, isLayer: false };
    layers.set(key, layer);
    layer.parameters.push(...(earlier.get(name) ?? []), name);
    if ((kind !== "weight" && kind !== "statistic") || sizeOf(shape) === 0) continue;
    layer.isLayer = true;
    if (isFloating(dtype)) layer.size += sizeOf(shape);
  }
  return [...layers].flatMap(([name, { isLayer, ...layer }]) => (isLayer ? { name, ...layer } : []));
}

/** Returns a function that gives the layer of a tensor. */
function layerNames(all: readonly LayerTensor[], group: Grouping): (tensor: LayerTensor) => string {
  if (group === "tensor") return ({ name }) => name;
  if (group === "sublayer")
    throw new UserError(
      "--group sublayer is only for two Hugging Face folders of a language model. Choose module, block or tensor.",
    );
  const byEnding = layersByEnding(
    all.filter(({ layer }) => layer === undefined).map(({ name }) => name),
    behindScopes(all.map(({ name }) => name)),
  );
  const module = ({ name, layer }: LayerTensor) => layer ?? byEnding.get(name) ?? layerOf(name);
  if (group === "module") return module;
  const path = ({ name, layer }: LayerTensor) => layer ?? moduleOf(name);
  const block = blocksOf(new Set(all.map(path)));
  return (tensor) => block(path(tensor)) ?? module(tensor);
}

/**
 * The layers of a network, in state-dict order. `isThere` excludes parameters that a file lacks, such as counters in
 * older files.
 */
export function layersOf(
  { parameters, tied }: Pick<Model, "parameters" | "tied">,
  group?: Grouping,
  isThere: (name: string) => boolean = () => true,
): Layer[] {
  const present = parameters.filter((p) => isThere(p.name));
  const tensors = present.map((p) => ({
    name: p.name,
    shape: p.shape,
    dtype: dtypeOf(p),
    layer: p.layer,
    kind: p.kind,
  }));
  return groupLayers(tensors, { group, tied });
}

/** The index of each tensor's layer. */
export function layerIndex(layers: readonly Layer[]): Map<string, number> {
  return new Map(layers.flatMap((layer, i) => layer.parameters.map((name): [string, number] => [name, i])));
}

/** The modules of tied tensors that gave the layer no name: it has that of the last one. */
const otherNamesOf = ({ name, parameters }: Layer): string[] =>
  parameters.filter((parameter) => !parameter.startsWith(name)).map(layerOf);

/**
 * The layers that match a glob, in the order of `layers`. `*` matches within a component, `**` across components; `/`
 * and `.` are equivalent. A tied layer also has the names of its other modules. Throws {@link UserError} for a glob
 * that matches no layer.
 */
export function matchLayers(layers: readonly Layer[], globs: readonly string[]): Layer[] {
  const patterns = globs.map((glob) => {
    const pattern = globExpression(glob);
    if (layers.some(({ name }) => pattern.test(name))) return pattern;
    const tied = glob.includes("*")
      ? undefined
      : layers.find((layer) => otherNamesOf(layer).some((x) => pattern.test(x)));
    if (tied) return globExpression(tied.name);
    const names = layers.map(({ name }) => name);
    const [, own, alpha] = /^(.*)=([\d.]+)$/.exec(glob) ?? [];
    if (alpha !== undefined)
      throw new UserError(
        `${glob}: a layer has its own alpha only in merge --layers without --budget. Give the layers alone (${own}), and one --alpha for all.`,
      );
    const near = nearest(glob, names);
    if (glob.includes("*") && !glob.includes("**"))
      throw new UserError(
        `No layer matches ${glob}: * does not cross a dot, ** does. The layers are ${listSome(names, 8)}.`,
      );
    throw new UserError(
      `No layer matches ${glob}${near ? `; did you mean ${near}?` : "."} The layers are ${listSome(names, 8)}.`,
    );
  });
  return layers.filter(({ name }) => patterns.some((pattern) => pattern.test(name)));
}
