// Two ONNX files of one architecture: the same nodes in the same order, whatever their values are called. Walking both at once pairs their weights.
import { type ForeignModel, type Held, identityOf } from "./foreign.ts";

/**
 * The held values of `b` by the names that `a` has for them.
 * Throws an error that names the first difference, to follow "the two graphs differ: ".
 */
export function alignModels(a: ForeignModel, b: ForeignModel): Map<string, Held> {
  const pairs = new Map<string, Held>();
  const [heldA, heldB] = [a, b].map(({ held }) => new Map(held.map((one) => [one.name, one])));
  const values = new Map(a.inputs.map(({ name }, i) => [name, b.inputs[i]?.name]));
  if (a.inputs.length !== b.inputs.length)
    throw new Error(`one has ${a.inputs.length} inputs, the other ${b.inputs.length}`);
  if (a.nodes.length !== b.nodes.length)
    throw new Error(`one has ${a.nodes.length} operations, the other ${b.nodes.length}`);
  a.nodes.forEach((node, i) => {
    const other = b.nodes[i];
    const where = `operation ${i} (${node.name || node.opType})`;
    if (identityOf(node) !== identityOf(other))
      throw new Error(`${where} is ${node.opType} in one and ${other.opType} in the other, or its attributes differ`);
    node.input.forEach((name, j) => {
      const [x, y] = [heldA.get(name), heldB.get(other.input[j])];
      if (Boolean(x) !== Boolean(y) || (!x && name !== "" && values.get(name) !== other.input[j]))
        throw new Error(`${where} has another input ${j}`);
      if (!x || !y) return;
      if (String(x.shape) !== String(y.shape) || x.dtype !== y.dtype)
        throw new Error(`${name} is ${x.dtype}[${x.shape}] in one and ${y.dtype}[${y.shape}] in the other`);
      if (pairs.has(name) && pairs.get(name)!.name !== y.name) throw new Error(`${where} has another input ${j}`);
      pairs.set(name, y);
    });
    node.output.forEach((name, j) => {
      values.set(name, other.output[j]);
    });
  });
  // values that only subgraphs use go by their names
  for (const { name } of a.held) {
    const same = pairs.get(name) ?? heldB.get(name);
    if (!same) throw new Error(`${name} is in one only`);
    pairs.set(name, same);
  }
  return pairs;
}
