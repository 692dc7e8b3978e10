// Batched matrix products without transposed copies. A product can read either operand transposed, so swapping the last
// two axes before or after it is free. The runtime misses this where it merges the swap with another transposition.
import { type Node, nodesOf, type Value } from "../graph.ts";
import { fusedMatMul } from "../ops/linear.ts";
import type { Laid, Layouts } from "./walk.ts";

/** The layouts of a graph's products; `outputs` is needed to find other uses of a product. */
export function transposedProducts(outputs: readonly Value[]): Layouts {
  const uses = new Map<string, number>();
  const count = (v: Value | null) => v && uses.set(v.key, (uses.get(v.key) ?? 0) + 1);
  for (const { inputs } of nodesOf(outputs)) inputs.forEach(count);
  outputs.forEach(count);
  return {
    MatMul: (_, [a, b]) => multiply(a, b),
    Transpose: ({ inputs: [x], attributes }, [laid]) =>
      laid.rows || !isSwap(attributes.perm as readonly number[]) ? undefined : swap(laid.value, uses.get(x!.key) === 1),
  };
}

function multiply(a: Laid, b: Laid): Laid | undefined {
  if (a.rows || b.rows) return undefined;
  const [left, right] = [a.value, b.value].map(operand);
  if (!left.isSwapped && !right.isSwapped) return undefined;
  return { value: fusedMatMul(left.value, right.value, { transA: left.isSwapped, transB: right.isSwapped }) };
}

/**
 * The value with its last axes swapped, where that needs no Transpose: a swapped value, or a product without another
 * use.
 */
function swap(value: Value, isOnlyUse: boolean): Laid | undefined {
  const { value: inner, isSwapped } = operand(value);
  if (isSwapped) return { value: inner };
  const { op, inputs, attributes } = value.node;
  if (!isOnlyUse || !/^(Fused)?MatMul$/.test(op)) return undefined;
  const [transA, transB] = [!attributes.transB, !attributes.transA];
  return { value: fusedMatMul(inputs[1]!, inputs[0]!, { transA, transB }) };
}

/** The value that a product reads, and whether its last axes are swapped. */
function operand(value: Value): { value: Value; isSwapped: boolean } {
  const { node } = value;
  return isTransposeOfLast(node) ? { value: node.inputs[0]!, isSwapped: true } : { value, isSwapped: false };
}

const isTransposeOfLast = ({ op, attributes }: Node): boolean =>
  op === "Transpose" && isSwap(attributes.perm as readonly number[]);

const isSwap = (perm: readonly number[]): boolean => {
  const last = perm.length - 1;
  return perm.every((axis, i) => axis === (i < last - 1 ? i : i === last ? last - 1 : last));
};
