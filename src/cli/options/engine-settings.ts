// Reads the engine's settings from layerwise.yaml and the environment. In its own file because it loads zod and yaml,
// which most commands do not need at start.
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { decodeText, UserError } from "../../core/index.ts";
import { noteRenamed } from "./renamed.ts";

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
    max_units: count,
    piece: count,
    /** More arguments for sbatch. */
    sbatch: z.array(text).readonly(),
    /** Shell lines that run before the command. */
    prologue: text,
    /** Prefix of the command. */
    wrap: text,
  })
  .partial();

/** Old names of settings, with the new ones. */
const renamed: Readonly<Record<string, string>> = { max_tasks: "max_units" };

type Written = z.output<typeof settings>;
type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
export type Given = { readonly [K in keyof Written as Camel<K>]: Written[K] };

/** How to fix an invalid value. */
const hints: Readonly<Record<string, string>> = {
  engine: "Use local or slurm.",
  cpus_per_task: "Give a positive integer.",
  max_units: "Give a positive integer.",
  piece: "Give a positive integer.",
  sbatch: "Give a list of arguments.",
};

const variable = (key: string) => `LAYERWISE_${key.toUpperCase()}`;
const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** Reads the settings; the environment overrides layerwise.yaml. Throws {@link UserError} for invalid ones. */
export function readSettings(): Given {
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
    throw new UserError(`${path} must have one "setting: value" on each line.`);
  return check(read as Record<string, unknown>, path);
}

function fromEnvironment(): Given {
  const read = (key: string, value: string) => {
    if (key === "sbatch") return value.startsWith("[") ? (parse(value) as unknown) : value.split(" ");
    const isNumber = settings.shape[key as keyof Written].unwrap() === count && Number.isFinite(Number(value));
    return isNumber ? Number(value) : value;
  };
  const found = [...Object.keys(renamed), ...Object.keys(settings.shape)].flatMap((key) => {
    const value = process.env[variable(key)];
    return value ? [[key, read(renamed[key] ?? key, value)]] : [];
  });
  return check(Object.fromEntries(found), "The environment", variable);
}

function check(values: Record<string, unknown>, where: string, spell = (key: string) => key): Given {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)); // null: left empty
  for (const [old, name] of Object.entries(renamed)) {
    if (!(old in given)) continue;
    noteRenamed(where === "layerwise.yaml" ? `${old} in ${where}` : spell(old), spell(name));
    given[name] ??= given[old];
    delete given[old];
  }
  const parsed = settings.safeParse(given);
  if (parsed.success)
    return Object.fromEntries(Object.entries(parsed.data).map(([key, value]) => [camel(key), value])) as Given;
  const [issue] = parsed.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new UserError(
      `${where} has an unknown setting ${issue.keys[0]}. Known settings: ${Object.keys(settings.shape).join(", ")}.`,
    );
  const key = String(issue.path[0]);
  throw new UserError(
    `${where} has an invalid value for ${key}: ${JSON.stringify(given[key])}. ${hints[key] ?? "Give text."}`,
  );
}

/** Formats settings as environment variables, for a later process. */
export function formatEnvironment(choice: Given): Record<string, string> {
  const values = choice as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(settings.shape).flatMap((key) => {
      const value = values[camel(key)];
      return value === undefined ? [] : [[variable(key), Array.isArray(value) ? JSON.stringify(value) : String(value)]];
    }),
  );
}
