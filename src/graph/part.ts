// The part of a foreign model that one of its values is computed from.
import { type ForeignModel, withNodes } from "./foreign.ts";
import { capturedBy } from "./import/nodes.ts";
import { makersOf } from "./import/order.ts";

/** The model without the nodes, weights and inputs that a value does not depend on. */
export function partFor(model: ForeignModel, value: string): ForeignModel {
  const makers = makersOf(model.nodes);
  const used = new Set([value]);
  // a set also visits what is added on the way
  for (const name of used) {
    const maker = makers.get(name);
    for (const input of maker ? [...maker.input, ...capturedBy(maker)] : []) if (input !== "") used.add(input);
  }
  const nodes = model.nodes.filter(({ output }) => output.some((name) => used.has(name)));
  const held = new Map(model.held.map((one) => [one.name, one]));
  return { ...withNodes(model, nodes, held), inputs: model.inputs.filter(({ name }) => used.has(name)) };
}
