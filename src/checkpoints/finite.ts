// What is said of weights that are not finite.
import { listSome, UserError } from "../core/index.ts";

/** The error for weights that are NaN or infinite; of those that stay as they are, no earlier checkpoint need be better. */
export const notFinite = (path: string, names: readonly string[], { areKept = false } = {}): UserError => {
  const advice = areKept
    ? "They stay as they are in the merged file: give the two files the other way round"
    : "Choose an earlier checkpoint";
  return new UserError(
    `${path} holds NaN or infinite weights in ${listSome(names)}. ${advice}, or go on with --allow-nonfinite.`,
  );
};
