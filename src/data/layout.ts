// Finds the sample axis of arrays. It is the first one, unless a graph declares otherwise: its batch may be on another
// axis (PyTorch's recurrent layers take [T, n, C]), or an input may be the same for all samples. Arrays then have
// either the samples first or the graph's layout. The sizes decide; if they are ambiguous, the file is refused.
import { type Checkpoint, unreadDtype } from "../checkpoints/index.ts";
import { type DType, listSome, sizeOf, type Tensor, tensor, UserError } from "../core/index.ts";
import type { Declared, DeclaredInput } from "./dataset.ts";

/** An array in the layout that samples are taken from. */
export interface Laid {
  /** The array with the samples along the first axis, or unchanged if it is fed whole. */
  readonly array: Tensor;
  /** The batch axis of the network's input; null if the array is fed whole. */
  readonly axis: number | null;
  /** The graph's dtype. */
  readonly dtype?: DType;
}

export interface Layout {
  readonly count: number;
  readonly inputs: ReadonlyMap<string, Laid>;
  readonly labels: Tensor;
}

interface Arrays {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly labels: Tensor;
}

/**
 * One way to read an array: the batch axis of the input, the sample axis of the stored array, and the number of
 * samples, if it has one.
 */
interface Reading {
  readonly axis: number | null;
  readonly stored: number | null;
  readonly count?: number;
  /** Larger for less usual readings. */
  readonly penalty: number;
}

/** A guess of the graph's batch axis: its free axes, or an axis of a fixed size. */
interface Hypothesis {
  axesOf(input: DeclaredInput): readonly number[];
  /** Arrays are in the graph's order; otherwise, their samples may also be first. */
  readonly isAsGraph?: boolean;
  readonly penalty: number;
  readonly isFixed: boolean;
}

interface Solution {
  readonly count: number;
  readonly penalty: number;
  readonly readings: ReadonlyMap<string, Reading>;
}

/** Lays arrays out for a network. Throws {@link UserError} if their numbers of samples differ, or are ambiguous. */
export function layOut(where: string, arrays: Arrays, declared?: Declared): Layout {
  const ports = declared ? portsOf(arrays, declared) : new Map<string, DeclaredInput>();
  const solution = ports.size ? solve(where, arrays, ports, declared?.batchAxis) : undefined;
  if (!solution) return firstAxes(where, arrays, ports);
  const { count, readings } = solution;
  const inputs = [...readings].map(([key, { axis, stored }]): [string, Laid] => {
    const array = arrays.inputs.get(key)!;
    const { dtype } = ports.get(key)!;
    if (axis !== null) return [key, { array: moveFirst(array, stored!), axis, dtype }];
    return [key, { array: stored === null ? array : oneOf(where, key, array), axis, dtype }];
  });
  const isAsGraph = [...readings.values()].some(({ axis }) => axis);
  return { count, inputs: new Map(inputs), labels: moveFirst(arrays.labels, labelAxis(arrays, count, isAsGraph)!) };
}

/** The declared inputs by array. A single input accepts a single array with any name. */
function portsOf({ inputs }: Arrays, { inputs: declared }: Declared): Map<string, DeclaredInput> {
  if (declared.length === 1 && inputs.size === 1) return new Map([...inputs.keys()].map((key) => [key, declared[0]]));
  return new Map(declared.flatMap((port) => (inputs.has(port.name) ? [[port.name, port] as const] : [])));
}

/** The default layout: all samples along the first axes. An input that is a single value is fed whole. */
function firstAxes(where: string, { inputs, labels }: Arrays, ports: ReadonlyMap<string, DeclaredInput>): Layout {
  const isSingle = (key: string) => ports.get(key)?.shape?.length === 0;
  const used = [...inputs].filter(([key]) => ports.size === 0 || ports.has(key));
  const counted = used.filter(([key, { shape }]) => !isSingle(key) || shape.length > 0);
  const sizes = [...counted, ["labels", labels] as const].map(([key, { shape }]) => ({ key, count: shape[0] ?? 0 }));
  const unlike = sizes.find(({ count }) => count !== sizes[0].count);
  const single = counted.find(([key]) => isSingle(key));
  if (unlike && single)
    throw new UserError(
      `The model's input ${single[0]} is a single value (shape []), but in ${where} it has shape [${single[1].shape}]. Save a single value, as numpy.array(value).`,
    );
  if (unlike)
    throw new UserError(
      `${where} has ${sizes[0].count} samples in ${sizes[0].key} but ${unlike.count} in ${unlike.key}. Give arrays with equal first axes.`,
    );
  const laid = used.map(([key, array]): [string, Laid] => [
    key,
    { array, axis: isSingle(key) && array.shape.length === 0 ? null : 0 },
  ]);
  return { count: sizes[0].count, inputs: new Map(laid), labels };
}

/** The most usual way to read all arrays; undefined if there is none. */
function solve(
  where: string,
  arrays: Arrays,
  ports: ReadonlyMap<string, DeclaredInput>,
  batchAxis: number | undefined,
): Solution | undefined {
  const found = hypotheses([...ports.values()], batchAxis).flatMap((one) => solutions(one, arrays, ports));
  const least = Math.min(...found.map(({ penalty }) => penalty));
  const best = found.filter(({ penalty }) => penalty === least);
  const distinct = [...new Map(best.map((one) => [[...one.readings.values()].map(signatureOf).join(), one])).values()];
  if (distinct.length < 2) return distinct[0];
  const [first, second] = distinct;
  const names = [...first.readings.keys()];
  const name = names.find((key) => signatureOf(first.readings.get(key)!) !== signatureOf(second.readings.get(key)!))!;
  const different = [first, second].map(({ readings }) => readings.get(name)!);
  const ways = [first, second].map(({ count }, i) => {
    const { stored, axis } = different[i];
    return axis === null ? "whole, without samples of its own" : `as ${count} samples along axis ${stored}`;
  });
  const { shape } = arrays.inputs.get(name)!;
  // another free axis takes any size, so the sizes never tell
  const canSizesTell = different.some(({ axis }) => axis === null) || freeAxes(ports.get(name)!).length < 2;
  const advice = canSizesTell ? "Save a number of samples that differs from the other sizes, or export" : "Export";
  throw new UserError(
    `${name} of ${where}, [${shape}], can be read in two ways: ${ways[0]}, or ${ways[1]}. ${advice} the graph with only its batch axis free.`,
  );
}

const signatureOf = ({ axis, stored, count }: Reading): string => `${axis} ${stored} ${count}`;

const isFree = (size: number | string | undefined): boolean => typeof size !== "number" || size <= 0;
const freeAxes = ({ shape = [] }: DeclaredInput): number[] => shape.flatMap((size, i) => (isFree(size) ? [i] : []));
const isBatchName = (size: number | string | undefined): boolean =>
  typeof size === "string" && /batch|^(n|b|bs)$/i.test(size);

function hypotheses(ports: readonly DeclaredInput[], batchAxis: number | undefined): Hypothesis[] {
  if (batchAxis !== undefined) {
    const axesOf = (port: DeclaredInput) => (otherAxesOf(port).includes(batchAxis) ? [batchAxis] : freeBatchAxes(port));
    return [{ axesOf, penalty: 0, isFixed: false, isAsGraph: true }];
  }
  const shaped = ports.filter(({ shape }) => shape?.length);
  const areOnes = shaped.length > 0 && shaped.every(({ shape }) => shape![0] === 1);
  const free: Hypothesis = { axesOf: freeBatchAxes, penalty: areOnes ? 2 : 0, isFixed: false };
  const fixed = [0, 1].flatMap((axis) => {
    const sizes = new Set(shaped.map(({ shape }) => shape![axis]).filter((size) => !isFree(size)));
    return [...sizes].map((size): Hypothesis => {
      const penalty = axis === 1 ? 5 : size === 1 || shaped.every((port) => freeAxes(port).length === 0) ? 0 : 4;
      return { axesOf: ({ shape }) => (shape?.[axis] === size ? [axis] : []), penalty, isFixed: true };
    });
  });
  return [free, ...fixed];
}

/**
 * The possible batch axes of an input with free axes: the first if it is free, unless another one has a batch's name.
 */
function freeBatchAxes(input: DeclaredInput): readonly number[] {
  const { shape } = input;
  if (!shape) return [0];
  const free = freeAxes(input);
  if (free[0] !== 0) return free;
  const named = free.filter((axis) => isBatchName(shape[axis]));
  return typeof shape[0] === "string" && named.length === 1 ? named : [0];
}

/** The free axes that may also be the batch of an input whose first axis is read as such without its name. */
function otherAxesOf(input: DeclaredInput): readonly number[] {
  const [first, ...others] = freeAxes(input);
  return first === 0 && String(freeBatchAxes(input)) === "0" && !isBatchName(input.shape![0]) ? others : [];
}

/** An input, and a free axis that may be its batch instead of the first. */
export interface OtherAxis {
  readonly input: string;
  readonly axis: number;
}

/** The free axes that may be a graph's batch instead of the first: none has a batch's name. */
export function otherBatchAxes({ inputs }: Declared): OtherAxis[] {
  const all = inputs.flatMap((input) => otherAxesOf(input).map((axis) => ({ input: input.name, axis })));
  return all.filter(({ axis }, i) => all.findIndex((one) => one.axis === axis) === i);
}

function solutions(hypothesis: Hypothesis, arrays: Arrays, ports: ReadonlyMap<string, DeclaredInput>): Solution[] {
  const all = new Map([...ports].map(([key, port]) => [key, readingsOf(arrays.inputs.get(key)!, port, hypothesis)]));
  const counts = new Set([...all.values()].flatMap((own) => own.flatMap(({ count }) => count ?? [])));
  return [...counts].flatMap((count) => {
    let partial: Map<string, Reading>[] = [new Map()];
    for (const [key, own] of all) {
      const fitting = own.filter((one) => one.count === undefined || one.count === count);
      const least = Math.min(...fitting.map(({ penalty }) => penalty));
      const usual = fitting.filter(({ penalty }) => penalty === least);
      partial = partial.flatMap((chosen) => usual.map((one) => new Map([...chosen, [key, one]])));
    }
    return partial.flatMap((readings) => {
      const used = [...readings.values()];
      const isAsGraph = used.some(({ axis }) => axis);
      if (!used.some(({ axis }) => axis !== null) || labelAxis(arrays, count, isAsGraph) === undefined) return [];
      const penalty = used.reduce((sum, one) => sum + one.penalty, hypothesis.penalty);
      return [{ count, penalty, readings }];
    });
  });
}

/** The possible readings of an array for an input. */
function readingsOf({ shape }: Tensor, port: DeclaredInput, { axesOf, isFixed, isAsGraph }: Hypothesis): Reading[] {
  const rank = port.shape?.length;
  const fits = (sizes: readonly number[], wanted: NonNullable<DeclaredInput["shape"]>) =>
    sizes.length === wanted.length && wanted.every((size, i) => isFree(size) || size === sizes[i]);
  const readings = axesOf(port).flatMap((axis): Reading[] => {
    if (!port.shape) return shape.length ? [{ axis, stored: 0, count: shape[0], penalty: 0 }] : [];
    if (shape.length !== rank) return [];
    const others = port.shape.filter((_, i) => i !== axis);
    return [...new Set(isAsGraph ? [axis] : [0, axis])]
      .filter((stored) =>
        fits(
          shape.filter((_, i) => i !== stored),
          others,
        ),
      )
      .map((stored) => ({ axis, stored, count: shape[stored], penalty: 0 }));
  });
  if (!port.shape) return readings;
  const isFreeless = freeAxes(port).length === 0;
  if (fits(shape, port.shape))
    readings.push({ axis: null, stored: null, penalty: rank === 0 || (isFreeless && !isFixed) ? 0 : 3 });
  if (isFreeless && fits(shape.slice(1), port.shape) && shape.length)
    readings.push({
      axis: null,
      stored: 0,
      count: shape[0] === 1 ? undefined : shape[0], // one value for all samples
      penalty: isFixed && rank ? 3 : 0,
    });
  return readings;
}

/** The sample axis of the labels; the second only if the graph has its batch there. */
function labelAxis({ labels: { shape } }: Arrays, count: number, isAsGraph: boolean): number | undefined {
  if (shape[0] === count) return 0;
  return isAsGraph && shape[1] === count ? 1 : undefined;
}

/** Moves an axis of an array to the front. */
function moveFirst({ dtype, shape, data }: Tensor, axis: number): Tensor {
  if (axis === 0) return { dtype, shape, data };
  const [outer, count, inner] = [shape.slice(0, axis), [shape[axis]], shape.slice(axis + 1)].map(sizeOf);
  const moved = tensor(dtype, [shape[axis], ...shape.filter((_, i) => i !== axis)]);
  for (let i = 0; i < count; i++)
    for (let o = 0; o < outer; o++)
      (moved.data as Float32Array).set(
        data.subarray((o * count + i) * inner, (o * count + i + 1) * inner) as Float32Array,
        (i * outer + o) * inner,
      );
  return moved;
}

/** The single value of an array that repeats it for every sample, for a graph that takes one for all. */
function oneOf(where: string, key: string, { dtype, shape, data }: Tensor): Tensor {
  const size = sizeOf(shape.slice(1));
  const unlike = data.findIndex((value: number | bigint, i: number) => value !== data[i % size]);
  if (unlike >= 0)
    throw new UserError(
      `The model takes one ${key} of shape [${shape.slice(1)}] for all samples, but in ${where} samples 0 and ${Math.floor(unlike / size)} differ. Save one, or export the graph with a free batch axis in ${key}.`,
    );
  return { dtype, shape: shape.slice(1), data: data.subarray(0, size) as Tensor["data"] };
}

const otherNames = ["label", "y", "targets", "target"];
/** Accepted names of the labels' array. */
export const labelNames: readonly string[] = ["labels", ...otherNames];

/**
 * The name of the labels' array in a file: `labels`, or the only other usual name that is not an input of the network.
 */
export function findLabels(
  where: string,
  arrays: ReadonlyMap<string, Tensor>,
  declared?: Declared,
  leftOut: Checkpoint["leftOut"] = new Map(),
): string {
  if (arrays.has("labels")) return "labels";
  const inputs = new Set(declared?.inputs.map(({ name }) => name));
  const usual = otherNames.filter((name) => arrays.has(name) && !inputs.has(name));
  if (usual.length === 1 && arrays.size > 1) return usual[0];
  if (usual.length > 1)
    throw new UserError(
      `${where} has no array named labels, but several that could be the labels: ${listSome(usual)}. Rename the right one to labels.`,
    );
  const text = labelNames.find((name) => leftOut.has(name));
  if (text !== undefined && leftOut.get(text)) throw unreadDtype(`${where}: ${text}`, leftOut.get(text)!);
  if (text !== undefined)
    throw new UserError(
      `${where}: ${text} has strings or objects, but labels must be class indices, counted from 0, or values. In Python, save numpy.unique(${text}, return_inverse=True)[1] as ${text}.`,
    );
  throw new UserError(
    `${where} has no array named labels. Its arrays are ${listSome(arrays.keys(), 8) || "none"}. Add labels.`,
  );
}
