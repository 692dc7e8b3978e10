// Parsers of option values, and help texts that several commands share.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { Keys } from "../../checkpoints/index.ts";

/** An integer of at least `least`, and at most `most` if that is given. */
export const integer =
  (least: number, most?: number) =>
  (text: string): number => {
    const value = Number(text);
    if (most !== undefined && value > most) throw new InvalidArgumentError(`It must be at most ${most}.`);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be an integer of at least ${least}.`);
    return value;
  };

/** Numbers separated by commas. */
export function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (text.split(",").some((item) => item.trim() === "") || values.some((x) => !Number.isFinite(x)))
    throw new InvalidArgumentError("It must be numbers separated by commas.");
  return values;
}

/** One of the given words. */
export const oneOf =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (!found) throw new InvalidArgumentError(`It must be one of ${words.join(", ")}.`);
    return found;
  };

export const deviceHelp = "cpu (default), webgpu, cuda, coreml or dml";
export const device = oneOf("cpu", "webgpu", "cuda", "coreml", "dml");
export const scale = oneOf("quick", "small", "medium", "paper");

/** One or several examples, shown before the usage. */
export function example(...texts: string[]): string {
  return `${texts.length > 1 ? "Examples" : "Example"}:\n  ${texts.join("\n  ")}\n`;
}

/** A number above zero. */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("It must be a number above zero.");
  return value;
}

const units: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Bytes: a number, or one with a unit such as 6GB or 800M. */
export function bytes(text: string): number {
  const [, digits, unit] = /^([\d.]+(?:e\d+)?) *([KMGT]?)B?$/i.exec(text.trim()) ?? [];
  const value = Number(digits) * units[unit?.toUpperCase() ?? ""];
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number of bytes, such as 6GB or 800M.");
  return value;
}

/** `random:K`: the number of random steps. */
export function randomDraws(text: string): number {
  const draws = /^random:(\d+)$/.exec(text)?.[1];
  if (!draws || Number(draws) < 1) throw new InvalidArgumentError("It must be random:K, with K at least 1.");
  return Number(draws);
}

/** A list of loss and error. */
export function metrics(text: string): ("loss" | "error")[] {
  return text.split(",").map((word) => oneOf("loss", "error")(word.trim()));
}

type SizeOptions = Partial<Record<"width" | "hidden" | "context" | "heads" | "blocks" | "dim", number>>;

/** Picks the sizes of a network from a command's options. */
export function sizesOf({ width, hidden, context, heads, blocks, dim }: SizeOptions): SizeOptions {
  return { width, hidden, context, heads, blocks, dim };
}

export const keyHelp =
  "dictionary of the file that holds the network, such as g_ema or ema.model, or the prefix of its names; a=NAME or b=NAME for one end only";

/** `NAME` for all files, or `a=NAME` for one of them; may be repeated. */
export function keys(text: string, before: Keys = {}): Keys {
  const [, end, name] = /^(a|b|init)=(.*)$/s.exec(text) ?? [];
  const key = name ?? text;
  if (key === "") throw new InvalidArgumentError("It must be the name of a dictionary in the file.");
  return end ? { ...before, [end]: key } : { a: key, b: key, init: key, ...before };
}
