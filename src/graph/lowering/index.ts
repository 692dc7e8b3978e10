// Lowering. The runtime has no operations for the gradients of convolutions. A lowering is a table from an operation to
// operations that replace it; a node without an entry is kept. Faster forms are further tables.
import type { Value } from "../graph.ts";
import { overRows } from "./fast.ts";
import { transposedProducts } from "./products.ts";
import { rebuild } from "./walk.ts";

/** The plain form, which runs on every device. */
export const lower = (outputs: Readonly<Record<string, Value>>): Record<string, Value> => rebuild(outputs, {});

/** The fast form for training on a CPU. */
export const lowerFast = (outputs: Readonly<Record<string, Value>>): Record<string, Value> =>
  rebuild(outputs, { ...overRows, ...transposedProducts(Object.values(outputs)) });
