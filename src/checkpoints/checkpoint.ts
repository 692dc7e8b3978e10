// A checkpoint, whatever the format: named tensors in a file. Opening reads only headers; each tensor's bytes are read
// on request.
import { bytesPerElement, type DType, nearest, type Tensor, UserError } from "../core/index.ts";
import type { KeyedFile } from "./keys.ts";
import type { Source } from "./source.ts";
import type { Output } from "./writing/output.ts";

/** The formats that are recognised, by a file's content. */
export type Format = "safetensors" | "torch" | "npz" | "onnx";

/** A tensor of a file: its name, dtype and shape. Dtypes have ONNX's names in lower case, such as `float32`. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Complex numbers, as pairs of floats along the last axis. */
  readonly complex?: boolean;
}

/**
 * A tensor, or its elements row by row as one-dimensional tensors of its dtype. A piece must stay unchanged until the
 * next one has been received; its memory may be reused for the piece after that.
 */
export type Elements = Tensor | AsyncIterable<Tensor>;

/** New elements for a tensor, with the same dtype and shape; undefined leaves it unchanged. */
export type Replace = (name: string) => Promise<Elements | undefined>;

/** An open checkpoint: named tensors, read one at a time. Close it, or its files stay open. */
export interface Checkpoint {
  /** The file that was opened. */
  readonly path: string;
  /** All files of the checkpoint: the one that was opened, then its shards or external data. */
  readonly files: readonly string[];
  /** Its format. */
  readonly format: Format;
  /** By name, in the file's order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The `__metadata__` of safetensors; empty for other formats. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Notes about how the file was read; each names the file. */
  readonly notes?: readonly string[];
  /**
   * Arrays that are left out, by name: the NumPy dtype of numbers that are not read; undefined for strings or objects.
   * @internal
   */
  readonly leftOut?: ReadonlyMap<string, string | undefined>;
  /**
   * Other dictionaries of the file that have the same names, such as moving averages.
   * @internal
   */
  readonly copies?: readonly string[];
  /** The requested dictionary (and prefix of names). */
  readonly key?: string;
  /**
   * Which file of the command it is; for messages.
   * @internal
   */
  readonly end?: KeyedFile;
  /**
   * What of the key leads to no dictionary: a prefix of names.
   * @internal
   */
  readonly keyPrefix?: string;
  /**
   * Paths of the file's dictionaries of tensors; for messages.
   * @internal
   */
  readonly dictionaries?: readonly string[];
  /** Error message if no copy with replaced tensors can be written; undefined if one can. */
  readonly readOnly?: string;
  /**
   * The checkpoint that this one shows under other names.
   * @internal
   */
  readonly stored?: Stored;
  /**
   * Tensors whose elements are not those of the file: an adapter changes its base's.
   * @internal
   */
  readonly computed?: ReadonlySet<string>;
  /**
   * Reads one tensor, only its bytes, as a fresh copy. Throws a {@link UserError} for an unknown name or a damaged
   * file.
   */
  read(name: string): Promise<Tensor>;
  /** Closes its files. */
  close(): Promise<void>;
  /**
   * The bytes of a tensor, if the file has them in one piece: row by row, little endian, uncompressed. Else undefined.
   * @internal
   */
  range?(name: string): ByteRange | undefined;
  /**
   * Other names of tensors, under which the file does not hold them: by such a name, the one that it has.
   * @internal
   */
  readonly aliases?: ReadonlyMap<string, string>;
  /**
   * Groups of names that are one tensor in the file.
   * @internal
   */
  readonly tied?: readonly (readonly string[])[];
  /**
   * By tensor: names of tensors in the file that share its elements but are not part of this checkpoint.
   * @internal
   */
  readonly sharedOutside?: ReadonlyMap<string, readonly string[]>;
  /**
   * Writes a copy of the file in which the tensors `names` have the elements that `replace` gives; all else stays as it
   * is.
   * @internal
   */
  rewrite?(output: Output, names: ReadonlySet<string>, replace: Replace): Promise<void>;
}

/** A checkpoint under its stored names. */
export interface Stored {
  readonly checkpoint: Checkpoint;
  /** The name of a tensor in `checkpoint`. */
  nameOf(name: string): string;
}

/** Named tensors that are read one at a time, on request. */
export interface StoredTensors extends Pick<Checkpoint, "read"> {
  readonly tensors: ReadonlyMap<string, Omit<TensorInfo, "name">>;
}

/** A tensor's bytes in a file. */
export interface ByteRange {
  readonly size: number;
  /** `length` bytes from `begin`, relative to the tensor; read into `memory` (of that length) if given and possible. */
  read(begin: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** Number of tensors read at once: the system fills memory for several in parallel. */
const readAtOnce = 4;

/**
 * Every tensor with its name, in the file's order; the next ones are read while one is used. Throws a {@link UserError}
 * if the file is damaged.
 * @param checkpoint An open checkpoint.
 * @example
 * ```ts
 * import { openCheckpoint, tensorsOf } from "layerwise/checkpoints";
 *
 * const checkpoint = await openCheckpoint("rings-a.safetensors");
 * for await (const [name, { shape }] of tensorsOf(checkpoint))
 *   if (name.startsWith("layers.0")) console.log(name, shape);
 * // layers.0.weight [ 8, 2 ]
 * // layers.0.bias [ 8 ]
 * await checkpoint.close();
 * ```
 */
export async function* tensorsOf(checkpoint: Checkpoint): AsyncGenerator<[string, Tensor]> {
  const names = [...checkpoint.tensors.keys()];
  const reading: Promise<Tensor>[] = [];
  for (const [i, name] of names.entries()) {
    while (reading.length < readAtOnce && i + reading.length < names.length) {
      const tensor = checkpoint.read(names[i + reading.length]);
      tensor.catch(() => {}); // thrown when it is awaited
      reading.push(tensor);
    }
    yield [name, await reading.shift()!];
  }
}

/**
 * Reads every tensor, in the file's order. Needs memory for all of them. Throws a {@link UserError} if the file is
 * damaged.
 * @example
 * ```ts
 * import { openCheckpoint, readAll } from "layerwise/checkpoints";
 *
 * const checkpoint = await openCheckpoint("rings-a.safetensors");
 * const tensors = await readAll(checkpoint);
 * await checkpoint.close();
 * console.log(tensors.size, tensors.get("layers.2.bias")?.shape); // 6 [ 2 ]
 * ```
 */
export async function readAll(checkpoint: Checkpoint): Promise<Map<string, Tensor>> {
  const all = new Map<string, Tensor>();
  for await (const [name, tensor] of tensorsOf(checkpoint)) all.set(name, tensor);
  return all;
}

/** A checkpoint over an open file, from each tensor's place in it (`P`) and a function that reads a place. */
export function makeCheckpoint<P extends Omit<TensorInfo, "name">>(
  source: Pick<Source, "path" | "close">,
  format: Format,
  places: ReadonlyMap<string, P>,
  readPlace: (place: P, name: string) => Promise<Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Checkpoint {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { dtype, shape, complex }] of places)
    tensors.set(name, { name, dtype, shape, ...(complex ? { complex } : {}) });
  return {
    path: source.path,
    files: [source.path],
    format,
    tensors,
    metadata,
    read: async (name) => readPlace(find(source.path, places, name), name),
    close: () => source.close(),
  };
}

/** The entry of a name. Throws {@link UserError} that suggests the nearest name. */
export function find<T>(path: string, entries: ReadonlyMap<string, T>, name: string): T {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const close = nearest(name, entries.keys());
  throw new UserError(`${path} has no tensor "${name}". ${close ? `Did you mean "${close}"?` : "Check the name."}`);
}

/**
 * Bytes of a dense tensor; undefined if the shape is invalid (negative, fractional, over 64 axes, 2^53 bytes or more).
 */
export function byteLength(dtype: DType, shape: readonly unknown[]): number | undefined {
  if (shape.length > 64) return undefined;
  let bytes = bytesPerElement(dtype);
  for (const n of shape) {
    if (typeof n !== "number" || !Number.isSafeInteger(n) || n < 0) return undefined;
    bytes *= n;
  }
  if (shape.includes(0)) return 0;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
