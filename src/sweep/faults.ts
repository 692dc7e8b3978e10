// What goes wrong between a network and its samples, as sentences for the user.
import { UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import { cannotRun } from "../pairs/index.ts";

/** Building a graph infers every shape; where the data do not fit the network, that is the user's to fix. */
export function cannotBuild(error: unknown, { name }: Model, { inputs }: Dataset): unknown {
  if (error instanceof UserError) return error;
  const shapes = inputs.map(({ shape }) => `[${shape}]`).join(" and ");
  return new UserError(
    `Samples of shape ${shapes} do not fit model ${name} (${(error as Error).message}). Choose other --data.`,
    { cause: error },
  );
}

/** The runtime's refusal of a graph that came with an ONNX file is the user's to fix, too. */
export const cannotEvaluate = (error: unknown, { dialect, path, parameters }: Model, { name }: Dataset): unknown =>
  dialect ? cannotRun(error, name, { path, parameters }) : error;
