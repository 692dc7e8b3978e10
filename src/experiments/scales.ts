// Scales: under `scales` a recipe says what a smaller set-up than the paper's changes. Each change stands in the recipe with its reason.
import { UserError } from "../core/index.ts";

export const scaleNames = ["quick", "small", "paper"] as const;
export type Scale = (typeof scaleNames)[number];

/** The recipe's values with the changes of a scale; `paper` is the recipe itself. */
export function atScale(value: unknown, scale: Scale, path: string): unknown {
  if (!isObject(value) || !("scales" in value)) return value;
  const { scales, ...rest } = value;
  if (!isObject(scales)) throw new UserError(`${path}: scales: expected the changes of small and quick.`);
  const unknown = Object.keys(scales).find((name) => !scaleNames.includes(name as Scale));
  if (unknown) throw new UserError(`${path}: scales.${unknown} is not a known scale. Known are small and quick.`);
  return merged(rest, scales[scale] ?? {});
}

function merged(value: unknown, change: unknown): unknown {
  if (!isObject(value) || !isObject(change)) return change;
  const keys = [...new Set([...Object.keys(value), ...Object.keys(change)])];
  return Object.fromEntries(keys.map((key) => [key, key in change ? merged(value[key], change[key]) : value[key]]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
