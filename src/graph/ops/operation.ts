// The entries of the operation table, and helpers to infer shapes.
import { toNumbers } from "../../core/index.ts";
import type { Type, Value } from "../graph.ts";

export type AttributeValue = number | string | readonly number[];

export interface Operation {
  /** ONNX domain. Operations of `layerwise` exist for differentiation and must be lowered before they run. */
  readonly domain?: "com.microsoft" | "layerwise";
  /** Its possible attributes, with ONNX's types. */
  readonly attributes?: Readonly<Record<string, "int" | "ints" | "float" | "string">>;
  /** Output types from inputs and attributes; throws when they don't fit. */
  infer(inputs: readonly (Value | null)[], attributes: Readonly<Record<string, AttributeValue>>): Type[];
}

/** The shape after numpy-style broadcasting. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1;
    const n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** The integers of a constant input, such as the target shape of a Reshape. */
export function constantInts(value: Value | null | undefined, op: string): number[] {
  if (!value?.node.tensor) throw new Error(`${op} needs a constant here`);
  return Array.from(toNumbers(value.node.tensor));
}

/** An axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal < 0 || normal >= rank) throw new Error(`axis ${axis} of a tensor of rank ${rank}`);
  return normal;
}

/** Output type like the first input's. */
export const likeFirst: Operation["infer"] = ([x]) => [x!.type];
