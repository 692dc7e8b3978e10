// The parameters of an ONNX graph's network: the graph's own weights in the order of their first use, or the tensors of
// a state dict that it uses.
import { isFloating, sizeOf, type Tensor } from "../core/index.ts";
import type { ForeignModel, Held } from "../graph/index.ts";
import type { Kind } from "./kinds.ts";
import type { Model, Parameter } from "./model.ts";
import { neutralValue } from "./naming/neutral.ts";
import { layerOf, moduleOf } from "./naming/paths.ts";
import { biasesOf, takenTogether } from "./naming/products.ts";
import { madeUpScalars } from "./naming/scalars.ts";
import { behindScopes, commonStem, nameLayers } from "./naming/underscores.ts";
import { isGenerated, modulePath } from "./onnx-names.ts";

/**
 * The weights of a graph as parameters: floating tensors with more than one element or a name from the model. For the
 * others, integers, and those that may be neutral constants, `isTrained` decides by their elements.
 */
export function graphParameters(
  graph: ForeignModel,
  isTrained: (held: Held) => boolean,
  kindOf: (name: string) => Kind,
): Parameter[] {
  const { held, statistics } = graph;
  const isMadeUp = madeUpScalars(graph);
  const parameters = held.flatMap((held): Parameter[] => {
    const { name, dtype, shape, tensor, isDropped } = held;
    const isNamed = !isGenerated(name) && !isMadeUp(held);
    const isStored = !tensor || isDropped; // in one file at least
    const isWeight =
      isFloating(dtype) && isStored && (isNamed || sizeOf(shape) > 1) && neutralValue(held) === undefined;
    if (!(isWeight || isTrained(held))) return [];
    const kind = statistics.has(name) ? "statistic" : kindOf(name).parameter;
    return [{ name, shape, dtype, kind, layer: isGenerated(name) ? modulePath(held) : undefined }];
  });
  const joined = joinedLayers(graph, parameters);
  return parameters.map((one) => ({ ...one, layer: joined.get(one.name) ?? one.layer }));
}

/**
 * The layers of weights that belong together in the graph but not by their names. Two modules with their own names
 * remain separate.
 */
function joinedLayers(graph: ForeignModel, parameters: readonly Parameter[]): Map<string, string> {
  const known = new Map(parameters.map((one) => [one.name, one]));
  const scoped = behindScopes([...known.keys()]);
  const nameOf = (name: string) => (scoped.has(name) ? name : layerOf(name));
  const joined = new Map<string, string>();
  const unnamed: { readonly stem: string; readonly names: readonly string[] }[] = [];
  for (const group of [...biasesOf(graph), ...takenTogether(graph)]) {
    if (!group.every((name) => known.has(name))) continue;
    const named = group.filter((name) => !isGenerated(name));
    const modules = new Set(named.map((name) => (scoped.has(name) ? "" : moduleOf(name))));
    const [module] = modules;
    if (modules.size > 1 || (module && named.length === group.length)) continue;
    const layer = module || group.map((name) => known.get(name)!.layer).find(Boolean);
    for (const one of group) joined.set(one, layer ?? nameOf(named[0] ?? group[0]));
    const stem = layer === undefined && named.length === group.length ? commonStem(named) : undefined;
    if (stem !== undefined) unnamed.push({ stem, names: group });
  }
  const layers = parameters.map(({ name, layer }) => joined.get(name) ?? layer ?? nameOf(name));
  for (const [name, stem] of nameLayers(unnamed, layers)) joined.set(name, stem);
  return joined;
}

/**
 * Puts a weight and its transposed copy into one layer, that of the later one; `transposed` maps the later to the
 * earlier one.
 */
export function joinTransposed(parameters: readonly Parameter[], transposed: ReadonlyMap<string, string>): Parameter[] {
  const copies = new Map([...transposed].map(([later, earlier]) => [earlier, later])); // the last of several
  const known = new Map(parameters.map((one) => [one.name, one]));
  const layerIn = ({ name }: Parameter) => {
    const last = known.get(copies.get(transposed.get(name) ?? name) ?? name)!;
    return last.layer ?? layerOf(last.name);
  };
  const joined = parameters.flatMap((one) => {
    if (copies.has(one.name)) return [];
    const earlier = transposed.get(one.name);
    if (earlier === undefined) return [one];
    return copies.get(earlier) === one.name ? [known.get(earlier)!, one] : [one];
  });
  return joined.map((one) =>
    copies.has(one.name) || transposed.has(one.name) ? { ...one, layer: layerIn(one) } : one,
  );
}

/**
 * The tensors of a state dict that a graph uses as parameters, with the counters of their modules, in the order of
 * their first use (`used`), since files may sort names. A tied tensor takes the position of the use of its last name.
 */
export function stateDictParameters(
  tensors: ReadonlyMap<string, Pick<Tensor, "dtype" | "shape">>,
  used: readonly string[],
  tied: Model["tied"],
  kindOf: (name: string) => Kind,
): Parameter[] {
  const place = new Map(used.map((name, i) => [name, i]));
  const modules = new Set(used.map(moduleOf));
  const groups = new Map(tied.flatMap((group) => group.map((name) => [name, group])));
  const alike = (name: string) => groups.get(name) ?? [name];
  const placeOf = (name: string) => Math.max(...alike(name).map((one) => place.get(one) ?? used.length));
  const isThere = (name: string, dtype: Tensor["dtype"]) =>
    isFloating(dtype) ? alike(name).some((one) => place.has(one)) : modules.has(moduleOf(name));
  const inOrder = [...tensors]
    .filter(([name, tensor]) => isThere(name, tensor.dtype))
    .sort(([x], [y]) => placeOf(x) - placeOf(y));
  return inOrder.map(([name, { dtype, shape }]) => ({
    name,
    shape,
    dtype: isFloating(dtype) ? "float32" : dtype,
    kind: isFloating(dtype) ? kindOf(name).parameter : "counter",
  }));
}

const onQuantised = /^(MatMulInteger|ConvInteger|QLinear|QGemm|QAttention|MatMulNBits|DynamicQuantize(MatMul|LSTM))/;

/** The first quantised weight of a graph: integers with a scale, or floats too small to average. */
export const quantisedWeight = ({ held, unread }: ForeignModel): { name: string; dtype: string } | undefined =>
  unread.map(({ name, type }) => ({ name, dtype: type }))[0] ??
  held.find(
    ({ dtype, shape, use }) =>
      !isFloating(dtype) &&
      sizeOf(shape) > 1 &&
      use &&
      (onQuantised.test(use.op) || (use.op === "DequantizeLinear" && use.input === 0)),
  );
