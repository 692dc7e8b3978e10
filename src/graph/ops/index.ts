// The table of operations, by family, under ONNX's own names.
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { linearOps } from "./linear.ts";
import { normalisation } from "./normalisation.ts";
import type { Operation } from "./operation.ts";
import { pooling } from "./pooling.ts";
import { reductions } from "./reduction.ts";
import { shapeOps } from "./shape.ts";

export * from "./convolution.ts";
export * from "./elementwise.ts";
export * from "./indexing.ts";
export * from "./linear.ts";
export * from "./normalisation.ts";
export type { AttributeValue } from "./operation.ts";
export * from "./pooling.ts";
export * from "./reduction.ts";
export * from "./shape.ts";

/** The ONNX operator set of the table. */
export const newest = 20;

export const operations: Readonly<Record<string, Operation>> = {
  ...elementwise,
  ...reductions,
  ...linearOps,
  ...shapeOps,
  ...indexing,
  ...convolution,
  ...pooling,
  ...normalisation,
};

export function operation(name: string): Operation {
  const known = operations[name];
  if (!known) throw new Error(`no operation ${name}`);
  return known;
}
