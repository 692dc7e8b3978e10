// What a name in a PyTorch file's pickle may stand for: the short list of globals that a state dict needs, as data.
// A tensor becomes a description of where its elements lie; what is harmless but of no use here becomes `inert`.
import { bytesPerElement, type DType, UserError } from "../../core/index.ts";
import { damaged, quote } from "../source.ts";
import type { PickleHost } from "./pickle.ts";

/** A storage, or a view into one: elements that tensors share. */
export interface TorchStorage {
  readonly kind: "storage";
  /** Names the storage in the file. */
  readonly key: string;
  /** Undefined for an untyped storage, whose elements are bytes. */
  readonly dtype: DType | undefined;
  /** Elements of the whole storage. */
  readonly total: number;
  /** The view's first element and number of elements. */
  readonly offset: number;
  readonly length: number;
}

export interface TorchTensor {
  readonly kind: "tensor";
  readonly dtype: DType;
  readonly storage: TorchStorage;
  /** All in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

interface TorchGlobal {
  readonly kind: "global";
  readonly name: string;
  /** Gives undefined when the arguments make no sense. */
  readonly call?: (args: readonly unknown[]) => unknown;
  /** Of a storage class; null when untyped. */
  readonly storage?: DType | null;
  /** Of a dtype such as torch.float32. */
  readonly dtype?: DType;
}

/** Bytes of a storage's element. */
export function storageWidth({ dtype }: TorchStorage): number {
  return dtype ? bytesPerElement(dtype) : 1;
}

export function isTorchTensor(value: unknown): value is TorchTensor {
  return hasKind(value, "tensor");
}

/** Items that all calls together may be given in lists: more is no state dict, and would only eat memory. */
const mostItems = 1 << 22;

const unreadKinds = /^torch\.((Complex|Q[A-Z])\w*Storage|(float8|complex|q)\w*|_utils\._rebuild_(q|sparse)\w*)$/;

const inert = { kind: "inert" };

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

const dtypes: Readonly<Record<string, DType>> = {
  ...{ "torch.float32": "float32", "torch.float64": "float64", "torch.float16": "float16" },
  ...{ "torch.bfloat16": "bfloat16", "torch.bool": "bool" },
  ...{ "torch.int64": "int64", "torch.int32": "int32", "torch.int16": "int16", "torch.int8": "int8" },
  ...{ "torch.uint64": "uint64", "torch.uint32": "uint32", "torch.uint16": "uint16", "torch.uint8": "uint8" },
};

const callables: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "collections.OrderedDict": orderedDict,
  "collections.defaultdict": () => new Map(), // its items come afterwards, as a dictionary's do
  "collections.Counter": () => inert,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTypedTensor, // of uint16, uint32 and uint64
  "torch._utils._rebuild_parameter": ([tensor]) => tensor,
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => tensor,
  "torch.Size": ([axes]) => axes,
  "torch.device": () => inert,
  "argparse.Namespace": () => inert,
  "_codecs.encode": () => inert, // how protocol 2 spells bytes, here those of a numpy scalar
  "numpy.dtype": () => inert,
  "numpy.core.multiarray.scalar": () => inert,
  "numpy._core.multiarray.scalar": () => inert,
};

/** Python's own: sets, and what a defaultdict names to make its values with, which nobody calls here. */
const builtins = ["__builtin__", "builtins"].flatMap((module): TorchGlobal[] => [
  ...["set", "frozenset"].map((name) => ({ kind: "global", name: `${module}.${name}`, call: () => inert }) as const),
  ...["list", "dict", "tuple", "int", "long", "float", "bool", "str", "unicode"].map(
    (name) => ({ kind: "global", name: `${module}.${name}` }) as const,
  ),
]);

const globals = new Map<string, TorchGlobal>([
  ...builtins.map((one) => [one.name, one] as const),
  ...Object.entries(storages).map(([name, storage]) => [name, { kind: "global", name, storage }] as const),
  ...Object.entries(dtypes).map(([name, dtype]) => [name, { kind: "global", name, dtype }] as const),
  ...Object.entries(callables).map(([name, call]) => [name, { kind: "global", name, call }] as const),
]);

/** The host for a PyTorch pickle. `found` receives every storage the pickle names. */
export function torchHost(path: string, found: Map<string, TorchStorage>): PickleHost {
  const fault = (what: string) => damaged(path, what);
  let given = 0; // items in lists that calls may copy
  return {
    fault,
    find: (module, name) => globals.get(`${module}.${name}`) ?? raise(refuse(path, `${module}.${name}`)),
    call(callable, args) {
      if (Array.isArray(args[0])) given += args[0].length;
      if (given > mostItems) throw fault("its pickle copies more than any state dict holds");
      const { name, call } = hasKind(callable, "global")
        ? (callable as TorchGlobal)
        : raise(fault("its pickle calls a value"));
      return call?.(args) ?? raise(fault(`its pickle calls ${name} with arguments that make no sense`));
    },
    load(id) {
      const storage = loadStorage(id) ?? raise(fault("its pickle names a storage in a way that makes no sense"));
      const known = found.get(storage.key);
      if (known && storageWidth(known) * known.total !== storageWidth(storage) * storage.total) {
        throw fault(`its storage ${quote(storage.key)} is said to have two lengths`);
      }
      if (!known) found.set(storage.key, storage);
      return storage;
    },
  };
}

function refuse(path: string, name: string): UserError {
  if (unreadKinds.test(name)) {
    const fault = `${path} holds complex, quantised, sparse or eight-bit floating tensors (${quote(name)})`;
    return new UserError(`${fault}, which layerwise does not read. Convert them to dense float32 first.`);
  }
  const asked = `${path} asks for the class or function ${quote(name)}, which no state dict needs; nothing was executed`;
  return new UserError(`${asked}. In Python, save model.state_dict() alone with torch.save.`);
}

/** `("storage", class, key, device, elements)`, and in the older format perhaps `(view key, offset, length)` at the end. */
function loadStorage(id: unknown): TorchStorage | undefined {
  if (!Array.isArray(id)) return undefined;
  const [kind, type, key, , total, view] = id as unknown[];
  if (kind !== "storage" || !hasKind(type, "global") || typeof key !== "string" || !isCount(total)) return undefined;
  const { storage } = type as TorchGlobal;
  if (storage === undefined) return undefined;
  const [, offset, length] = Array.isArray(view) ? (view as unknown[]) : [key, 0, total];
  if (!isCount(offset) || !isCount(length) || offset + length > total) return undefined;
  return { kind: "storage", key, dtype: storage ?? undefined, total, offset, length };
}

/** `(storage, offset, shape, strides, …)`. */
function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor | undefined {
  if (!hasKind(storage, "storage")) return undefined;
  return describe(storage as TorchStorage, (storage as TorchStorage).dtype, offset, shape, strides);
}

/** `(storage, offset, shape, strides, requires_grad, hooks, dtype, …)` over a storage of bytes. */
function rebuildTypedTensor(args: readonly unknown[]): TorchTensor | undefined {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!hasKind(storage, "storage") || !hasKind(dtype, "global")) return undefined;
  return describe(storage as TorchStorage, (dtype as TorchGlobal).dtype, offset, shape, strides);
}

function describe(storage: TorchStorage, dtype: DType | undefined, offset: unknown, shape: unknown, strides: unknown) {
  if (!dtype || !isCount(offset) || !isShape(shape) || !isShape(strides) || shape.length !== strides.length) {
    return undefined;
  }
  return { kind: "tensor", dtype, storage, offset, shape: [...shape], strides: [...strides] } as const;
}

/** `OrderedDict()`; Python 2 also gives a list of pairs. */
function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> | undefined {
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) return undefined;
  return new Map(pairs as [unknown, unknown][]);
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
