// The globals that a PyTorch state dict's pickle may use, as data. A tensor becomes a description of where its elements
// are; every other class or function is {@link Unknown}.
import { bytesPerElement, type DType, UserError } from "../../core/index.ts";
import { damaged, quote } from "../source.ts";
import { buildNumpy, deviceTensor, NumpyArray, NumpyDtype, numpyCallables } from "./numpy.ts";
import type { PickleHost } from "./pickle.ts";
import { isUnreadTensor, Unknown } from "./unknown.ts";

/** A storage, or a view into one: elements that tensors share. */
export interface TorchStorage {
  readonly kind: "storage";
  /** Names the storage in the file. */
  readonly key: string;
  /** Undefined for an untyped storage, whose elements are bytes. */
  readonly dtype: DType | undefined;
  /** Whether the elements are complex numbers, pairs of `dtype`. */
  readonly complex?: boolean;
  /** The class of a storage whose tensors are unsupported. */
  readonly unread?: string;
  /** Number of elements of the whole storage. */
  readonly total: number;
  /** The view's first element and number of elements. */
  readonly offset: number;
  readonly length: number;
}

export interface TorchTensor {
  readonly kind: "tensor";
  readonly dtype: DType;
  readonly storage: TorchStorage;
  /** Complex numbers, whose last axis has two elements. */
  readonly complex?: boolean;
  /** `offset` and `strides` are in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

interface TorchGlobal {
  readonly kind: "global";
  readonly name: string;
  /** Returns undefined if the arguments are invalid. */
  readonly call?: (args: readonly unknown[]) => unknown;
  /** For a storage class; null if untyped. */
  readonly storage?: DType | null;
  /** For a storage of complex numbers. */
  readonly complex?: boolean;
  /** For a storage whose tensors are unsupported. */
  readonly unread?: boolean;
  /** For a dtype such as torch.float32. */
  readonly dtype?: DType;
}

/** Size of a storage's element in bytes. */
export function storageWidth({ dtype, complex }: TorchStorage): number {
  return dtype ? bytesPerElement(dtype) * (complex ? 2 : 1) : 1;
}

export function isTorchTensor(value: unknown): value is TorchTensor {
  return hasKind(value, "tensor");
}

/** Most list items in the arguments of all calls together. Limits the memory of a malicious pickle. */
const mostItems = 1 << 22;

const storages: Readonly<Record<string, DType | null>> = {
  "torch.FloatStorage": "float32",
  "torch.DoubleStorage": "float64",
  "torch.HalfStorage": "float16",
  "torch.BFloat16Storage": "bfloat16",
  "torch.LongStorage": "int64",
  "torch.IntStorage": "int32",
  "torch.ShortStorage": "int16",
  "torch.CharStorage": "int8",
  "torch.ByteStorage": "uint8",
  "torch.BoolStorage": "bool",
  "torch.storage.UntypedStorage": null,
};

/** Complex numbers are pairs of floats. */
const complexStorages: Readonly<Record<string, DType>> = {
  "torch.ComplexFloatStorage": "float32",
  "torch.ComplexDoubleStorage": "float64",
};

/** Storages of quantised tensors, which are unsupported; their elements are skipped. */
const unreadStorages: Readonly<Record<string, DType>> = {
  "torch.QInt8Storage": "int8",
  "torch.QUInt8Storage": "uint8",
  "torch.QInt32Storage": "int32",
  "torch.QUInt4x2Storage": "uint8",
  "torch.QUInt2x4Storage": "uint8",
};

const dtypes: Readonly<Record<string, DType>> = {
  ...{ "torch.float32": "float32", "torch.float64": "float64", "torch.float16": "float16" },
  ...{ "torch.bfloat16": "bfloat16", "torch.bool": "bool" },
  ...{ "torch.int64": "int64", "torch.int32": "int32", "torch.int16": "int16", "torch.int8": "int8" },
  ...{ "torch.uint64": "uint64", "torch.uint32": "uint32", "torch.uint16": "uint16", "torch.uint8": "uint8" },
};

const callables: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "collections.OrderedDict": orderedDict,
  "collections.defaultdict": () => new Map(), // items are set afterwards, as for a dict
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTypedTensor, // of uint16, uint32 and uint64
  "torch._utils._rebuild_device_tensor_from_numpy": deviceTensor,
  "torch._utils._rebuild_xla_tensor": deviceTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => tensor,
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => tensor,
  "torch._tensor._rebuild_from_type_v2": rebuildOfType,
  "torch.Size": ([axes]) => axes,
  "flax.core.frozen_dict.FrozenDict": makeFrozenDict,
  "haiku._src.data_structures.FlatMapping": makeFrozenDict,
  ...numpyCallables,
};

const globals = new Map<string, TorchGlobal>([
  ...Object.entries(storages).map(([name, storage]) => [name, { kind: "global", name, storage }] as const),
  ...Object.entries(complexStorages).map(
    ([name, storage]) => [name, { kind: "global", name, storage, complex: true }] as const,
  ),
  ...Object.entries(unreadStorages).map(
    ([name, storage]) => [name, { kind: "global", name, storage, unread: true }] as const,
  ),
  ...Object.entries(dtypes).map(([name, dtype]) => [name, { kind: "global", name, dtype }] as const),
  ...Object.entries(callables).map(([name, call]) => [name, { kind: "global", name, call }] as const),
]);

const writtenByJoblib = (path: string): UserError =>
  new UserError(
    `${path} was written by joblib. In Python, load it with joblib.load. Save its arrays by name with numpy.savez, or convert a scikit-learn model with skl2onnx.`,
  );

/** The host for a PyTorch pickle. Adds every storage in the pickle to `found`. */
export function torchHost(path: string, found: Map<string, TorchStorage>): PickleHost {
  const fault = (what: string) => damaged(path, what);
  let given = 0; // list items that calls may copy
  return {
    fault,
    find(module, name) {
      if (/(^|\.)joblib\.numpy_pickle$/.test(module)) throw writtenByJoblib(path); // raw arrays follow in the pickle
      return globals.get(`${module}.${name}`) ?? new Unknown(`${module}.${name}`);
    },
    call(callable, args) {
      if (Array.isArray(args[0])) given += args[0].length;
      if (given > mostItems) throw fault("its pickle copies too many items for a state dict");
      const { name, call } = hasKind(callable, "global")
        ? (callable as TorchGlobal)
        : raise(fault("its pickle calls something that is not a function"));
      const unknown = args.find((arg) => arg instanceof Unknown);
      // a tensor over a storage of an unknown class
      const made = call?.(args) ?? (unknown && new Unknown(unknown.name));
      return made ?? raise(fault(`its pickle calls ${name} with invalid arguments`));
    },
    build(target, state) {
      if (target instanceof NumpyArray || target instanceof NumpyDtype) buildNumpy(target, state);
      else if (state instanceof Map && target instanceof Map && !(target instanceof Unknown))
        setFrozenItems(target, state);
      else if (target instanceof Unknown) target.isModule ||= state instanceof Map && state.has("_modules");
    },
    load(id) {
      const storage = loadStorage(id) ?? raise(fault("its pickle contains an invalid reference to a storage"));
      if (storage instanceof Unknown) return storage;
      const known = found.get(storage.key);
      if (known && storageWidth(known) * known.total !== storageWidth(storage) * storage.total) {
        throw fault(`its pickle declares two lengths for the storage ${quote(storage.key)}`);
      }
      if (!known) found.set(storage.key, storage);
      return storage;
    },
  };
}

/**
 * `("storage", class, key, device, elements)`, in the older format optionally followed by `(view key, offset, length)`;
 * there also `("module", class, file, source)` for the class of a whole module.
 */
function loadStorage(id: unknown): TorchStorage | Unknown | undefined {
  if (!Array.isArray(id)) return undefined;
  const [kind, type, key, , total, view] = id as unknown[];
  if ((kind === "storage" || kind === "module") && type instanceof Unknown) return type;
  if (kind !== "storage" || !hasKind(type, "global") || typeof key !== "string" || !isCount(total)) return undefined;
  const { name, storage, complex, unread } = type as TorchGlobal;
  if (storage === undefined) return undefined;
  const [, offset, length] = Array.isArray(view) ? (view as unknown[]) : [key, 0, total];
  if (!isCount(offset) || !isCount(length) || offset + length > total) return undefined;
  const own = { kind: "storage", key, dtype: storage ?? undefined, total, offset, length } as const;
  return { ...own, complex, ...(unread ? { unread: name } : {}) };
}

/** `(storage, offset, shape, strides, requires_grad, hooks, optional metadata)`. */
function rebuildTensor(args: readonly unknown[]): TorchTensor | Unknown | undefined {
  const [storage, offset, shape, strides, , , metadata] = args;
  if (!hasKind(storage, "storage")) return undefined;
  const { unread } = storage as TorchStorage;
  if (unread) return new Unknown(unread);
  if (metadata instanceof Map)
    for (const view of ["conj", "neg"]) if (metadata.get(view)) return new Unknown(`resolve_${view}`);
  return makeTensor(storage as TorchStorage, (storage as TorchStorage).dtype, offset, shape, strides);
}

/** `(function, class, arguments, state)`: a tensor subclass, read as a plain tensor unless the class is unsupported. */
function rebuildOfType([rebuild, type, args]: readonly unknown[]): unknown {
  if (isUnreadTensor(type)) return new Unknown(type.name);
  if (!hasKind(rebuild, "global") || !Array.isArray(args)) return undefined;
  return (rebuild as TorchGlobal).call?.(args);
}

/** `(storage, offset, shape, strides, requires_grad, hooks, dtype, …)` over a storage of bytes. */
function rebuildTypedTensor(args: readonly unknown[]): TorchTensor | undefined {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!hasKind(storage, "storage") || !hasKind(dtype, "global")) return undefined;
  return makeTensor(storage as TorchStorage, (dtype as TorchGlobal).dtype, offset, shape, strides);
}

/** A tensor as a view of a storage; undefined if the arguments are invalid. */
function makeTensor(
  storage: TorchStorage,
  dtype: DType | undefined,
  offset: unknown,
  shape: unknown,
  strides: unknown,
) {
  if (!dtype || !isCount(offset) || !isShape(shape) || !isShape(strides) || shape.length !== strides.length) {
    return undefined;
  }
  const own = { kind: "tensor", dtype, storage } as const;
  if (!storage.complex) return { ...own, offset, shape: [...shape], strides: [...strides] };
  const doubled = strides.map((stride) => 2 * stride);
  return { ...own, complex: true, offset: 2 * offset, shape: [...shape, 2], strides: [...doubled, 1] };
}

/** `OrderedDict()`; Python 2 may pass a list of pairs. */
function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> | undefined {
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) return undefined;
  return new Map(pairs as [unknown, unknown][]);
}

/** An immutable dictionary of JAX's libraries: made from another one, or empty until its state is set. */
function makeFrozenDict([items]: readonly unknown[]): unknown {
  return items instanceof Map ? items : new Map();
}

/** Copies the items in the state of an immutable dictionary. */
function setFrozenItems(target: Map<unknown, unknown>, state: ReadonlyMap<unknown, unknown>): void {
  for (const own of ["_dict", "_mapping"]) {
    const items = state.get(own);
    if (items instanceof Map && items !== target) for (const [key, value] of items) target.set(key, value);
  }
}

function hasKind(value: unknown, kind: string): boolean {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every(isCount);
}

function raise(error: Error): never {
  throw error;
}
