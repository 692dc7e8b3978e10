// mergekit's configuration of a linear merge: written from a choice of layers, and read as one. A weight may be one number, a list (a gradient over the
// blocks), or a list of conditions, the first of whose filters that is a part of the tensor's name decides. Source: mergekit/config.py.
import { parse, stringify } from "yaml";
import { z } from "zod";
import { UserError } from "../core/index.ts";
import type { Layer } from "../models/index.ts";

export interface MergekitChoice {
  readonly a: string;
  readonly b: string;
  readonly layers: readonly Layer[];
  /** The weight of b of every averaged layer. */
  readonly alphas: ReadonlyMap<string, number>;
  readonly base: "a" | "b";
  /** The dtype of the file. */
  readonly dtype: string;
}

/** The configuration that gives the same merge. */
export function writeMergekit({ a, b, layers, alphas, base, dtype }: MergekitChoice): string {
  const rest = base === "b" ? 1 : 0;
  const filters = layers.flatMap((layer) => {
    const alpha = alphas.get(layer.name);
    return alpha === undefined || alpha === rest ? [] : filtersOf(layer, layers).map((filter) => ({ filter, alpha }));
  });
  const weightsOf = (share: (alpha: number) => number) => [
    ...filters.map(({ filter, alpha }) => ({ filter, value: share(alpha) })),
    { value: share(rest) },
  ];
  return stringify({
    merge_method: "linear",
    models: [
      { model: a, parameters: { weight: weightsOf((alpha) => 1 - alpha) } },
      { model: b, parameters: { weight: weightsOf((alpha) => alpha) } },
    ],
    dtype: "float32",
    out_dtype: dtype,
  });
}

/** Parts of names that every tensor of a layer has and no other: its path, else the names themselves. */
function filtersOf({ name, parameters }: Layer, layers: readonly Layer[]): readonly string[] {
  const path = `${name}.`;
  const others = layers.filter((layer) => layer.name !== name).flatMap((layer) => layer.parameters);
  const isPath = parameters.every((one) => one.includes(path)) && !others.some((one) => one.includes(path));
  return isPath ? [path] : parameters;
}

const scalar = z.number();
const condition = z.object({ value: z.union([scalar, z.array(scalar)]), filter: z.string().nullish() });
const setting = z.union([scalar, z.array(scalar).min(1), z.array(condition).min(1)]);
const schema = z.object({
  merge_method: z.string(),
  models: z.array(
    z.object({ model: z.string(), parameters: z.object({ weight: setting.optional() }).loose().optional() }),
  ),
  parameters: z.object({ weight: setting.optional(), normalize: z.boolean().optional() }).loose().optional(),
});
type Setting = z.infer<typeof setting>;

export interface Mergekit {
  readonly a: string;
  readonly b: string;
  /** The weight of b in a tensor: of block `block` of `blocks`; outside of the blocks the first value of a gradient counts. */
  alphaOf(tensor: string, block: number | undefined, blocks: number): number;
}

/** Reads a linear merge of two models. Throws {@link UserError} for what is not one. */
export function readMergekit(text: string, path: string): Mergekit {
  const refuse = (what: string) =>
    new UserError(`${path} ${what}. Give a mergekit configuration of a linear merge of two models.`);
  let given: unknown;
  try {
    given = parse(text);
  } catch (error) {
    throw new UserError(`${path} is not YAML: ${(error as Error).message.split("\n")[0]}. Check the file.`, {
      cause: error,
    });
  }
  if (typeof given === "object" && given !== null && ("slices" in given || "modules" in given))
    throw refuse("joins slices or modules");
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues;
    throw refuse(`cannot be read (${at.join(".") || "the whole"}: ${message})`);
  }
  const { merge_method, models, parameters } = parsed.data;
  if (merge_method !== "linear") throw refuse(`has the method ${merge_method}`);
  if (models.length !== 2) throw refuse(`merges ${models.length} models`);
  const weights = models.map((one) => one.parameters?.weight ?? parameters?.weight);
  const isNormalised = parameters?.normalize ?? true;
  return {
    a: models[0].model,
    b: models[1].model,
    alphaOf(tensor, block, blocks) {
      const t = block === undefined || blocks < 2 ? 0 : block / (blocks - 1);
      const [x, y] = weights.map((weight, i) => {
        const value = weight === undefined ? undefined : evaluate(weight, tensor, t);
        if (value === undefined) throw refuse(`gives ${models[i].model} no weight in ${tensor}`);
        return value;
      });
      if (!(x + y > 0) || (!isNormalised && Math.abs(x + y - 1) > 1e-6))
        throw refuse(`gives weights ${x} and ${y} in ${tensor}, whose sum is not one`);
      return y / (x + y);
    },
  };
}

/** A weight at the place t of the blocks, from 0 to 1. */
function evaluate(value: Setting, tensor: string, t: number): number | undefined {
  if (typeof value === "number") return value;
  if (isGradient(value)) {
    const at = t * (value.length - 1);
    const [low, high] = [Math.floor(at), Math.min(value.length - 1, Math.floor(at) + 1)];
    return (1 - (at - low)) * value[low] + (at - low) * value[high];
  }
  const match = value.find(({ filter }) => filter == null || filter === "*" || tensor.includes(filter));
  return match && evaluate(match.value, tensor, t);
}

const isGradient = (value: Exclude<Setting, number>): value is number[] => typeof value[0] === "number";
