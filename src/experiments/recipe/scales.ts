// Scales: `scales` in a recipe lists what smaller set-ups than the paper's change. The changes are in the recipe, or in
// a shared file: `small: NAME` reads scales/NAME.yaml next to the recipe, and `small: { from: NAME, … }` adds changes
// to it.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { listSome, nearest, readText, UserError } from "../../core/index.ts";

const scaleNames = ["quick", "small", "medium", "paper"] as const;
/** A scale of the experiments; `paper` is the recipe itself. */
export type Scale = (typeof scaleNames)[number];
/** The scales that change something. */
export const changing = scaleNames.filter((name) => name !== "paper");

/** Applies the changes of a scale. `paper` has none, and a recipe without scales is used as it is. */
export async function applyScale(value: unknown, scale: Scale, path: string): Promise<unknown> {
  if (!isObject(value) || !("scales" in value)) return value;
  const { scales, ...rest } = value;
  if (!isObject(scales)) throw new UserError(`${path}: scales: expected the changes of ${listSome(changing, 3)}.`);
  const unknown = Object.keys(scales).find((name) => !scaleNames.includes(name as Scale));
  if (unknown)
    throw new UserError(`${path}: scales.${unknown} is not a known scale. Known scales: ${listSome(changing, 3)}.`);
  if (scale === "paper") return rest;
  if (!(scale in scales))
    throw new UserError(
      `${path} has no scale ${scale}. Use --scale ${[...Object.keys(scales), "paper"].join(" or ")}.`,
    );
  return mergeValues(rest, await readChanges(scales[scale], `${path}: scales.${scale}`, path));
}

/** Whether a recipe has the scale; every recipe has `paper`. */
export async function hasScale(path: string, scale: Scale): Promise<boolean> {
  if (scale === "paper") return true;
  const { scales = {} } = Object(parseYaml(await readText(path), path)) as { scales?: object };
  return scale in scales;
}

/** Returns the changes of a scale; reads shared ones from their file. */
async function readChanges(given: unknown, where: string, path: string): Promise<unknown> {
  if (typeof given === "string") return readSharedScale(given, where, path);
  if (!isObject(given) || !("from" in given)) return given;
  const { from, ...changes } = given;
  if (typeof from !== "string") throw new UserError(`${where}.from: expected the name of a shared scale.`);
  return mergeValues(await readSharedScale(from, where, path), changes);
}

async function readSharedScale(name: string, where: string, path: string): Promise<unknown> {
  const folder = join(dirname(path), "scales");
  const known = (await readdir(folder).catch(() => []))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length));
  if (!known.includes(name)) {
    const near = nearest(name, known);
    const there = known.length
      ? `Known shared scales: ${listSome(known.sort(), 20)}.`
      : `The folder ${folder} has no shared scales.`;
    throw new UserError(`${where}: ${name} is not a shared scale${near ? `; did you mean ${near}?` : "."} ${there}`);
  }
  const file = join(folder, `${name}.yaml`);
  const changes = parseYaml(await readText(file), file);
  if (!isObject(changes)) throw new UserError(`${file}: expected the changes of a scale.`);
  return changes;
}

export function parseYaml(text: string, path: string): unknown {
  const document = parseDocument(text);
  if (document.errors.length)
    throw new UserError(`${path} is not valid YAML: ${document.errors[0].message.split("\n")[0].replace(/:$/, ".")}`);
  return document.toJS();
}

function mergeValues(value: unknown, change: unknown): unknown {
  if (!isObject(value) || !isObject(change)) return change;
  const keys = [...new Set([...Object.keys(value), ...Object.keys(change)])];
  return Object.fromEntries(
    keys.map((key) => [key, key in change ? mergeValues(value[key], change[key]) : value[key]]),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
