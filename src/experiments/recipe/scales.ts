// Scales: under `scales` a recipe says what a smaller set-up than the paper's changes. Each change is in the recipe
// with its reason, or in a file that several recipes share: `small: NAME` is scales/NAME.yaml beside the recipe,
// `small: { from: NAME, … }` the same with further changes.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { listSome, nearest, readText, UserError } from "../../core/index.ts";

const scaleNames = ["quick", "small", "medium", "paper"] as const;
/** A scale of the experiments; `paper` is the recipe itself. */
export type Scale = (typeof scaleNames)[number];
/** The scales that change something. */
export const changing = scaleNames.filter((name) => name !== "paper");

/** The recipe's values with the changes of a scale; `paper` is the recipe itself, and so is one without scales. */
export async function atScale(value: unknown, scale: Scale, path: string): Promise<unknown> {
  if (!isObject(value) || !("scales" in value)) return value;
  const { scales, ...rest } = value;
  if (!isObject(scales)) throw new UserError(`${path}: scales: expected the changes of ${listSome(changing, 3)}.`);
  const unknown = Object.keys(scales).find((name) => !scaleNames.includes(name as Scale));
  if (unknown)
    throw new UserError(`${path}: scales.${unknown} is not a known scale. Known are ${listSome(changing, 3)}.`);
  if (scale === "paper") return rest;
  if (!(scale in scales))
    throw new UserError(
      `${path} has no scale ${scale}. Take --scale ${[...Object.keys(scales), "paper"].join(" or ")}.`,
    );
  return merged(rest, await changesOf(scales[scale], `${path}: scales.${scale}`, path));
}

/** Whether a recipe's file has the scale; each has the paper's. */
export async function hasScale(path: string, scale: Scale): Promise<boolean> {
  if (scale === "paper") return true;
  const { scales = {} } = parseYaml(await readText(path), path) as { scales?: object };
  return scale in scales;
}

/** What a scale changes, a shared one read from its file. */
async function changesOf(given: unknown, where: string, path: string): Promise<unknown> {
  if (typeof given === "string") return sharedScale(given, where, path);
  if (!isObject(given) || !("from" in given)) return given;
  const { from, ...changes } = given;
  if (typeof from !== "string") throw new UserError(`${where}.from: expected the name of a shared scale.`);
  return merged(await sharedScale(from, where, path), changes);
}

async function sharedScale(name: string, where: string, path: string): Promise<unknown> {
  const folder = join(dirname(path), "scales");
  const known = (await readdir(folder).catch(() => []))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length));
  if (!known.includes(name)) {
    const near = nearest(name, known);
    const there = known.length
      ? `Known are ${listSome(known.sort(), 20)}.`
      : `There is no ${folder} with shared scales.`;
    throw new UserError(`${where}: ${name} is not a shared scale${near ? `; did you mean ${near}?` : "."} ${there}`);
  }
  const file = join(folder, `${name}.yaml`);
  const changes = parseYaml(await readText(file), file);
  if (!isObject(changes)) throw new UserError(`${file}: expected what the scale changes.`);
  return changes;
}

export function parseYaml(text: string, path: string): unknown {
  const document = parseDocument(text);
  if (document.errors.length)
    throw new UserError(`${path} is not valid YAML: ${document.errors[0].message.split("\n")[0]}`);
  return document.toJS() ?? {};
}

function merged(value: unknown, change: unknown): unknown {
  if (!isObject(value) || !isObject(change)) return change;
  const keys = [...new Set([...Object.keys(value), ...Object.keys(change)])];
  return Object.fromEntries(keys.map((key) => [key, key in change ? merged(value[key], change[key]) : value[key]]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
