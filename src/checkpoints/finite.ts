// The error for weights that are not finite.
import { listSome, UserError } from "../core/index.ts";

/** The error for NaN or infinite weights; `areKept` if a merge would copy them unchanged. */
export const notFinite = (path: string, names: readonly string[], { areKept = false } = {}): UserError => {
  const advice = areKept ? "The merged file would keep them. Swap the two files" : "Choose an earlier checkpoint";
  return new UserError(
    `${path} contains NaN or infinite weights in ${listSome(names)}. ${advice}, or allow such weights with --allow-nonfinite.`,
  );
};
