// Error messages for networks and samples that do not fit together.
import { UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import { cannotRun, type Pair } from "../pairs/index.ts";

/** Building a graph infers every shape. It fails where the data do not fit the network, which the user can fix. */
export function cannotBuild(error: unknown, { name }: Model, { inputs }: Dataset): unknown {
  if (error instanceof UserError) return error;
  const shapes = inputs.map(({ shape }) => `[${shape}]`).join(" and ");
  return new UserError(
    `Samples of shape ${shapes} do not fit model ${name} (${(error as Error).message}). Choose another --data.`,
    { cause: error },
  );
}

/** The error if a graph has batches of a fixed size whose samples affect each other, and the last batch is not full. */
export function cannotFill(batch: number, { name, count }: Dataset): UserError {
  const whole = Math.floor(count / batch) * batch;
  const fewer = whole ? ` with --samples ${whole}` : "";
  return new UserError(
    `The graph runs only with batches of ${batch}, whose samples affect each other's scores, and the ${count} samples of ${name} do not fill them. Use a multiple of ${batch}${fewer}, or export the graph with a free batch axis.`,
  );
}

/** Where the runtime rejects a graph from the user's ONNX file, the user can fix that too. */
export function cannotEvaluate(
  error: unknown,
  { model, data, batch, fixedBatch }: Pick<Pair, "model" | "data" | "batch" | "fixedBatch">,
): unknown {
  const { dialect, path, parameters } = model;
  const facts = { size: batch, samples: data.count, isFixed: fixedBatch !== undefined };
  return dialect ? cannotRun(error, data.name, { path, parameters }, facts) : error;
}
