// Option values: parsing them, and the options that several commands share.
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** A whole number of at least `least`. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return value;
  };

/** Numbers separated by commas. */
export function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (text.trim() === "" || values.some((x) => !Number.isFinite(x)))
    throw new InvalidArgumentError("It must be numbers separated by commas.");
  return values;
}

/** One of some words. */
export const oneOf =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (!found) throw new InvalidArgumentError(`It must be one of ${words.join(", ")}.`);
    return found;
  };

export const device = oneOf("cpu", "webgpu", "cuda", "coreml", "dml");

/** An example first, then the options. */
export function example(text: string): string {
  return `Example:\n  ${text}\n`;
}
