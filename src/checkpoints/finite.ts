// What is said of weights that are not finite.
import { listSome, UserError } from "../core/index.ts";

/** The sentence for weights that are NaN or infinite. */
export const notFinite = (path: string, names: readonly string[]): UserError =>
  new UserError(
    `${path} holds NaN or infinite weights in ${listSome(names)}. Choose an earlier checkpoint, or go on with --allow-nonfinite.`,
  );
