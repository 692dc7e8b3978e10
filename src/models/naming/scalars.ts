// Named scalars in ONNX graphs that are not parameters: values that an exporter cast from a Python number, such as a
// dropout rate, and scales of random numbers.
import { sizeOf } from "../../core/index.ts";
import type { ForeignModel, Held } from "../../graph/index.ts";
import { moduleOf } from "./paths.ts";

/** PyTorch's exporter since 2.6 names what it casts after the value, as `p_cast`. */
const cast = /_cast(_\d+)?$/;

/** Finds the scalars whose names do not make them parameters of the model. */
export function madeUpScalars(
  graph: Pick<ForeignModel, "nodes" | "held" | "inputs" | "random">,
): (held: Held) => boolean {
  const saysWhich = graph.held.some(({ isDeclared }) => isDeclared);
  const scales = scalesOfNoise(graph);
  return ({ name, shape, isDeclared }) => {
    if (sizeOf(shape) !== 1 || isDeclared) return false;
    return saysWhich || cast.test(name) || (moduleOf(name) === "" && scales.has(name));
  };
}

/** What is combined with random numbers before any of the network's values is. */
function scalesOfNoise({ nodes, held, inputs, random }: Parameters<typeof madeUpScalars>[0]): ReadonlySet<string> {
  const found = new Set<string>();
  if (random.size === 0) return found;
  const own = new Set(held.map(({ name }) => name));
  const fromData = new Set(inputs.map(({ name }) => name));
  const noise = new Set<string>();
  for (const node of nodes) {
    if (random.has(node)) for (const name of node.output) noise.add(name);
    else if (node.input.some((name) => fromData.has(name))) {
      if (node.opType !== "Shape" && node.opType !== "Size") for (const name of node.output) fromData.add(name);
    } else if (node.input.some((name) => noise.has(name))) {
      for (const name of node.output) noise.add(name);
      for (const name of node.input) if (own.has(name)) found.add(name);
    }
  }
  return found;
}
