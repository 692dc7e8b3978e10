// Gradients of operations that only move elements: they move the gradient back.
import type { Value } from "../graph.ts";
import { constantInts, normalAxis } from "../ops/operation.ts";
import { pad, reshape, slice, transpose } from "../ops/shape.ts";
import { type Rule, sumTo } from "./rule.ts";

export const shapeRules: Record<string, Rule> = {
  Reshape: (dy, [x]) => [reshape(dy, x.shape), null],
  Transpose: (dy, _x, _y, { attributes }) => {
    const perm = attributes.perm as readonly number[];
    return [
      transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },
  Expand: (dy, [x]) => [sumTo(dy, x.shape), null],
  Concat: (dy, inputs, _y, { attributes }) => {
    const axis = normalAxis(attributes.axis as number, dy.shape.length);
    let at = 0;
    return inputs.map((x) => {
      const part = slice(dy, axis, at, at + x.shape[axis]);
      at += x.shape[axis];
      return part;
    });
  },
  Slice: (dy, [x, starts, , axes, steps]) => {
    const [from, at, by] = [starts, axes, steps].map((v) => constantInts(v, "Slice"));
    return [at.reduce((d, axis, i) => unslice(d, axis, from[i], by[i], x.shape[axis]), dy), null, null, null, null];
  },
  Pad: (dy, [x, pads]) => {
    const before = constantInts(pads, "Pad");
    return [x.shape.reduce((d, n, axis) => slice(d, axis, before[axis], before[axis] + n), dy), null];
  },
};

/** Puts the elements of one axis back to start, start + step, …, zeros between them, in a length of n. */
export function unslice(dy: Value, axis: number, start: number, step: number, n: number): Value {
  const count = dy.shape[axis];
  const [head, tail] = [dy.shape.slice(0, axis), dy.shape.slice(axis + 1)];
  const none = dy.shape.map(() => 0);
  const wide = [...none, 0].with(axis + 1, step - 1);
  const spread = reshape(pad(reshape(dy, [...head, count, 1, ...tail]), [...none, 0], wide), [
    ...head,
    count * step,
    ...tail,
  ]);
  const fitting = slice(spread, axis, 0, Math.min(count * step, n - start));
  return pad(fitting, none.with(axis, start), none.with(axis, n - start - fitting.shape[axis]));
}
