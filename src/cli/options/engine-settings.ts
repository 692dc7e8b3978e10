// The cluster's settings that a layerwise.yaml or the environment gives. A file of its own because it loads zod and yaml, which most commands' start can do without.
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { decodeText, UserError } from "../../core/index.ts";

const text = z.union([z.string(), z.number()]).transform(String); // YAML reads an account 1234 as a number
const count = z.int().positive();

const settings = z
  .strictObject({
    engine: z.enum(["local", "slurm"]),
    partition: text,
    account: text,
    gres: text,
    time: text,
    mem: text,
    cpus_per_task: count,
    max_tasks: count,
    piece: count,
    /** Further arguments of sbatch. */
    sbatch: z.array(text).readonly(),
    /** Shell lines before the work. */
    prologue: text,
    /** What goes before the command. */
    wrap: text,
  })
  .partial();

type Written = z.output<typeof settings>;
type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
export type Given = { readonly [K in keyof Written as Camel<K>]: Written[K] };

const variable = (key: string) => `LAYERWISE_${key.toUpperCase()}`;
const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** What the environment says, before what a layerwise.yaml where the command is typed does. Throws {@link UserError} for what either says wrongly. */
export function givenSettings(): Given {
  return { ...fromFile("layerwise.yaml"), ...fromEnvironment() };
}

function fromFile(path: string): Given {
  if (!existsSync(path)) return {};
  const text = decodeText(readFileSync(path), path);
  let read: unknown;
  try {
    read = parse(text) ?? {};
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof read !== "object" || Array.isArray(read))
    throw new UserError(`${path} must have a setting and its value on each line.`);
  return checked(read as Record<string, unknown>, path);
}

function fromEnvironment(): Given {
  const read = (key: string, value: string) => {
    if (key === "sbatch") return value.startsWith("[") ? (parse(value) as unknown) : value.split(" ");
    const isNumber = settings.shape[key as keyof Written].unwrap() === count && Number.isFinite(Number(value));
    return isNumber ? Number(value) : value;
  };
  const found = Object.keys(settings.shape).flatMap((key) => {
    const value = process.env[variable(key)];
    return value ? [[key, read(key, value)]] : [];
  });
  return checked(Object.fromEntries(found), "The environment");
}

function checked(values: Record<string, unknown>, where: string): Given {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)); // null: left empty
  const parsed = settings.safeParse(given);
  if (parsed.success)
    return Object.fromEntries(Object.entries(parsed.data).map(([key, value]) => [camel(key), value])) as Given;
  const [issue] = parsed.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new UserError(
      `${where} has an unknown setting ${issue.keys[0]}. Known are ${Object.keys(settings.shape).join(", ")}.`,
    );
  const key = String(issue.path[0]);
  throw new UserError(`${where} gives ${key} a wrong value: ${JSON.stringify(given[key])}.`);
}

/** Settings as the environment would give them, for a later process. */
export function environmentOf(choice: Given): Record<string, string> {
  const values = choice as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(settings.shape).flatMap((key) => {
      const value = values[camel(key)];
      return value === undefined ? [] : [[variable(key), Array.isArray(value) ? JSON.stringify(value) : String(value)]];
    }),
  );
}
