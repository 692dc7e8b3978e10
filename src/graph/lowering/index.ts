// Lowering: the graph speaks of convolutions and their gradients, the runtime has neither gradient. A lowering is a table from an
// operation to the operations that run in its place; a node without an entry stays as it is. Faster forms are further tables.
import type { Value } from "../graph.ts";
import { overRows } from "./fast.ts";
import { transposedProducts } from "./products.ts";
import { rebuild } from "./walk.ts";

/** The plain form: what runs on every device. */
export const lower = (outputs: Readonly<Record<string, Value>>): Record<string, Value> => rebuild(outputs, {});

/** The fast form for training on a CPU. */
export const lowerFast = (outputs: Readonly<Record<string, Value>>): Record<string, Value> =>
  rebuild(outputs, { ...overRows, ...transposedProducts(Object.values(outputs)) });
