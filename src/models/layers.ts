// Layers: what is averaged as one. A layer is a tensor's name without its last component, so weight and bias go together, in the order of the
// state dict. Tied parameters are one layer with the name and place of the last module. Counters, masks and what else is not averaged belong to no layer's size.
import { type DType, isFloating, listSome, nearest, sizeOf, UserError } from "../core/index.ts";
import { dtypeOf } from "./initialise.ts";
import { holderOf, type Model, type Parameter } from "./model.ts";
import { blocksOf, globExpression, layerOf, moduleOf } from "./naming/paths.ts";
import { layersByEnding } from "./naming/underscores.ts";

/** How tensors form layers: by module, block, attention or MLP part of a block, or each on its own. */
export type Grouping = "module" | "block" | "sublayer" | "tensor";

export interface Layer {
  readonly name: string;
  /** Names of its tensors, counters and every name of a tied tensor included. */
  readonly parameters: readonly string[];
  /** Number of elements that are averaged; a tied tensor counts once. */
  readonly size: number;
}

export interface LayerTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its module, where the name does not tell. */
  readonly layer?: string;
  /** Counters and what is kept belong to a layer with others, and are none on their own. */
  readonly kind?: Parameter["kind"];
}

export interface GroupOptions {
  readonly group?: Grouping;
  /** Groups of names that are one tensor; the last one gives the layer. */
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
    if (holder(name) !== name) continue; // a tied tensor takes the place of its last name
    const key = nameOf(one);
    const layer = layers.get(key) ?? { parameters: [], size: 0, isLayer: false };
    layers.set(key, layer);
    layer.parameters.push(...(earlier.get(name) ?? []), name);
    if (kind !== "weight" && kind !== "statistic") continue;
    layer.isLayer = true;
    if (isFloating(dtype)) layer.size += sizeOf(shape);
  }
  return [...layers].flatMap(([name, { isLayer, ...layer }]) => (isLayer ? { name, ...layer } : []));
}

/** Gives each tensor the name of its layer. */
function layerNames(all: readonly LayerTensor[], group: Grouping): (tensor: LayerTensor) => string {
  if (group === "tensor") return ({ name }) => name;
  if (group === "sublayer")
    throw new UserError(
      "--group sublayer is for measuring two Hugging Face folders, whose halves of blocks are known. Choose another group.",
    );
  const byEnding = layersByEnding(all.filter(({ layer }) => layer === undefined).map(({ name }) => name));
  const module = ({ name, layer }: LayerTensor) => layer ?? byEnding.get(name) ?? layerOf(name);
  if (group === "module") return module;
  const path = ({ name, layer }: LayerTensor) => layer ?? moduleOf(name);
  const block = blocksOf(new Set(all.map(path)));
  return (tensor) => block(path(tensor)) ?? module(tensor);
}

/** The layers of a network, in its order; `isThere` leaves out what a file lacks, such as counters that older ones do not have. */
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

/** Each tensor's layer, as an index into the layers. */
export function layerIndex(layers: readonly Layer[]): Map<string, number> {
  return new Map(layers.flatMap((layer, i) => layer.parameters.map((name): [string, number] => [name, i])));
}

/** The layers that match one of the globs, in their own order: `*` within a component, `**` across them, `/` and `.` alike. Throws {@link UserError} for a glob that matches none. */
export function matchLayers(layers: readonly Layer[], globs: readonly string[]): Layer[] {
  const patterns = globs.map((glob) => {
    const pattern = globExpression(glob);
    if (layers.some(({ name }) => pattern.test(name))) return pattern;
    const names = layers.map(({ name }) => name);
    const near = nearest(glob, names);
    throw new UserError(
      `No layer matches ${glob}${near ? `; did you mean ${near}?` : "."} The layers are ${listSome(names, 8)}.`,
    );
  });
  return layers.filter(({ name }) => patterns.some((pattern) => pattern.test(name)));
}
