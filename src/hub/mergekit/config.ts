// Writes and reads mergekit's configuration of a linear merge of two models. A mergekit weight is a number, a gradient
// (a list spread over the blocks), or a list of conditions: the first whose filter is part of the tensor's name
// applies. Source: mergekit/config.py, plan.py and merge_methods/linear.py of arcee-ai/mergekit (0.1.5).
import { parse, stringify } from "yaml";
import { z } from "zod";
import { UserError } from "../../core/index.ts";
import type { Layer } from "../../models/index.ts";

export interface MergekitChoice {
  /** In mergekit's form: a path, a name on the hub, or `base+adapter` for an adapter. */
  readonly a: string;
  readonly b: string;
  readonly layers: readonly Layer[];
  /** Alpha of every averaged layer. */
  readonly alphas: ReadonlyMap<string, number>;
  readonly base: "a" | "b";
  /** The dtype of the merged file. */
  readonly dtype: string;
}

interface Filter {
  readonly filter: string;
  readonly alpha: number;
}

/** Writes a configuration that gives the same merge. */
export function writeMergekit(choice: MergekitChoice): string {
  const { layers, alphas, base } = choice;
  const rest = base === "b" ? 1 : 0;
  const alphaOf = ({ name }: Layer) => alphas.get(name) ?? rest;
  const filtersOf = (layer: Layer, names: readonly string[]): Filter[] =>
    names.map((filter) => ({ filter, alpha: alphaOf(layer) }));
  const chosen = layers.filter((layer) => alphaOf(layer) !== rest);
  const short = textOf(
    choice,
    chosen.flatMap((layer) => filtersOf(layer, partsOf(layer))),
    rest,
  );
  if (isFaithful(short, layers, alphaOf)) return short;
  // a filter for one layer also matches another: use full names, the longest first, so that each tensor matches its own
  const whole = layers.flatMap((layer) => filtersOf(layer, layer.parameters));
  return textOf(
    choice,
    whole.sort((x, y) => y.filter.length - x.filter.length),
    rest,
  );
}

function textOf({ a, b, dtype }: MergekitChoice, filters: readonly Filter[], rest: number): string {
  const weightsOf = (weight: (alpha: number) => number) => [
    ...filters.map(({ filter, alpha }) => ({ filter, value: weight(alpha) })),
    { value: weight(rest) },
  ];
  return stringify({
    merge_method: "linear",
    base_model: a, // mergekit copies its config and tokenizer
    models: [
      { model: a, parameters: { weight: weightsOf((alpha) => 1 - alpha) } },
      { model: b, parameters: { weight: weightsOf((alpha) => alpha) } },
    ],
    dtype: "float32",
    out_dtype: dtype,
  });
}

/** The path of a layer if all its tensors are under it, else their names. */
function partsOf({ name, parameters }: Layer): readonly string[] {
  const path = `${name}.`;
  return parameters.every((one) => one.startsWith(path)) ? [path] : parameters;
}

/** Whether every tensor gets the alpha of its layer. */
function isFaithful(text: string, layers: readonly Layer[], wanted: (layer: Layer) => number): boolean {
  const { alphaOf } = readMergekit(text, "");
  return layers.every((layer) =>
    layer.parameters.every((one) => Math.abs(alphaOf(one, undefined, 1) - wanted(layer)) < 1e-12),
  );
}

const value = z.union([z.number(), z.boolean().transform(Number)]);
const condition = z.object({ value: z.union([value, z.array(value).min(1)]), filter: z.string().nullish() });
const setting = z.union([value, z.array(value).min(1), z.array(condition).min(1)]);
const parameters = z.object({ weight: setting.optional(), normalize: setting.optional() }).loose().nullish();
const model = z.object({ model: z.string(), parameters });
const range = z.tuple([z.int(), z.int()]);
const slice = z.object({ sources: z.array(model.extend({ layer_range: range })), parameters });
const schema = z.object({
  merge_method: z.string(),
  base_model: z.string().nullish(),
  models: z.array(model).nullish(),
  slices: z.array(slice).nullish(),
  parameters,
  dtype: z.string().nullish(),
});
type Setting = z.infer<typeof setting>;
type Parameters = z.infer<typeof parameters>;

export interface Mergekit {
  /** The names of the two models in the file. Paths are relative to the working directory. */
  readonly a: string;
  readonly b: string;
  /** The dtype that mergekit averages in; undefined for the dtype of the files. */
  readonly dtype?: string;
  /**
   * Alpha of a tensor in block `block` of `blocks`. Outside the blocks, the first value of a gradient applies. Throws
   * {@link UserError} if the weights are not those of an average.
   */
  alphaOf(tensor: string, block: number | undefined, blocks: number): number;
}

/** Reads a linear merge of two models. Throws {@link UserError} for anything else. */
export function readMergekit(text: string, path: string): Mergekit {
  const refuse = (what: string) =>
    new UserError(`${path} ${what}. Give a mergekit configuration of a linear merge of two models.`);
  const parsed = schema.safeParse(parseYaml(text, path));
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues;
    throw refuse(`cannot be read (${at.join(".") || "top level"}: ${message})`);
  }
  const { merge_method, base_model, slices, dtype } = parsed.data;
  if (merge_method !== "linear") throw refuse(`has merge_method ${merge_method}`);
  if (slices && slices.length > 1) throw refuse(`joins ${slices.length} slices`);
  const models = parsed.data.models ?? slices?.[0].sources;
  if (!models) throw refuse("has neither models nor slices");
  const names = models.map((one) => one.model);
  if (base_model && !names.includes(base_model)) names.push(base_model); // mergekit adds it
  if (names.length !== 2) throw refuse(`merges ${names.length} models`);
  const [a, b] = names;
  const ranges = slices?.[0].sources.map((one) => one.layer_range);
  const shared = [slices?.[0].parameters, parsed.data.parameters];
  return {
    a,
    b,
    dtype: dtype ?? undefined,
    alphaOf(tensor, block, blocks) {
      if (ranges?.some(([from, to]) => from !== 0 || (block !== undefined && to !== blocks)))
        throw refuse(`uses only some of the ${blocks} blocks`);
      const t = block === undefined ? 0 : blocks > 1 ? block / (blocks - 1) : 1;
      const [x, y] = models.map((one) => {
        const weight = findSetting("weight", [one.parameters, ...shared], tensor, t);
        if (weight === undefined) throw refuse(`has no weight for ${one.model} in ${tensor}`);
        return weight;
      });
      const isNormalised = findSetting("normalize", shared, tensor, t) ?? 1;
      if (x + y === 0 || (!isNormalised && Math.abs(x + y - 1) > 1e-6))
        throw refuse(`has weights ${x} and ${y} for ${tensor}, which do not sum to 1`);
      return y / (x + y);
    },
  };
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${(error as Error).message.split("\n")[0]}. Check the file.`, {
      cause: error,
    });
  }
}

/** The first value that several places have for a tensor. */
function findSetting(
  name: "weight" | "normalize",
  places: readonly Parameters[],
  tensor: string,
  t: number,
): number | undefined {
  for (const place of places) {
    const own = place?.[name];
    const found = own === undefined ? undefined : evaluate(own, tensor, t);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value of a setting at the relative depth t, from 0 to 1. */
function evaluate(given: Setting, tensor: string, t: number): number | undefined {
  if (typeof given === "number") return given;
  if (isGradient(given)) {
    const at = t * (given.length - 1);
    const [low, high] = [Math.floor(at), Math.min(given.length - 1, Math.floor(at) + 1)];
    return (1 - (at - low)) * given[low] + (at - low) * given[high];
  }
  const match = given.find(({ filter }) => filter == null || filter === "*" || tensor.includes(filter));
  return match && evaluate(match.value, tensor, t);
}

const isGradient = (given: Exclude<Setting, number>): given is number[] => typeof given[0] === "number";
