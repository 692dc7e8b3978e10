// The initialisers of an ONNX model as a checkpoint. The file is protobuf; its messages are walked with small reads that skip over the tensors'
// elements, so opening reads little of a large file. Elements may lie in the tensor (raw, or as numbers) or in another file beside the model
// (external data, the only way beyond 2 GB). Tensors of types that are not ours (text, complex, eight-bit floats) are left out.
import { dirname, join } from "node:path";
import { bytesPerElement, type DType, sizeOf, type Tensor, tensorFromBytes, UserError } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { patchesOf } from "../runs.ts";
import { cutShort, damaged, missingPart, openSource, quote, type Source } from "../source.ts";
import { copyPatched } from "../writing/patches.ts";
import { bytesField, type Field, fieldsOf, readText, readVarints } from "./protobuf.ts";

/** TensorProto.DataType. */
export const dtypes: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

/** A run of bytes in the file. */
export interface Run {
  readonly begin: number;
  readonly end: number;
}

export interface OnnxPlace {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where the elements lie, little endian, one run after the other; for `varints` as protobuf's integers. */
  readonly runs: readonly Run[];
  readonly varints: boolean;
  readonly external?: { readonly path: string; readonly offset: number };
}

/** ModelProto begins with its version (field 1), which every exporter writes first; what follows must be a field of it too. */
export function isOnnx(head: Uint8Array): boolean {
  return (
    head[0] === 0x08 && head[1] > 0 && head[1] < 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2])
  );
}

export async function openOnnx(source: Source): Promise<Checkpoint> {
  const { path } = source;
  const graph = (await bytesField(source, { begin: 0, end: source.size }, 7)) ?? undefined;
  if (!graph) throw damaged(path, "it holds no graph");
  const places = new Map<string, OnnxPlace>();
  for await (const field of fieldsOf(source, graph)) {
    if (field.number !== 5 || field.wire !== 2) continue;
    const [name, place] = await parseTensor(source, field);
    if (places.has(name)) throw damaged(path, `it holds two initialisers named ${quote(name)}`);
    if (place) places.set(name, place);
  }
  const others = new Map<string, Promise<Source>>();
  const other = (file: string) => {
    if (!others.has(file))
      others.set(
        file,
        openSource(file).catch((error) => {
          throw missingPart(error, file, path);
        }),
      );
    return others.get(file)!;
  };
  const closing = {
    path,
    close: async () => {
      await source.close();
      for (const opened of others.values()) await opened.then((one) => one.close()).catch(() => {});
    },
  };
  const checkpoint = makeCheckpoint(closing, "onnx", places, async (place, name) =>
    readPlace(source, other, place, name),
  );
  const outside = [...places.values()].flatMap(({ external }) => (external ? [external.path] : []));
  return {
    ...checkpoint,
    files: [path, ...new Set(outside)],
    range(name) {
      const { external, runs, varints, dtype, shape } = places.get(name)!;
      const size = sizeOf(shape) * bytesPerElement(dtype);
      if (external)
        return {
          size,
          read: async (begin, ...rest) => (await other(external.path)).read(external.offset + begin, ...rest),
        };
      if (varints || runs.length !== 1) return undefined;
      return { size, read: (begin, ...rest) => source.read(runs[0].begin + begin, ...rest) };
    },
    rewrite: (output, names, replace) => {
      const outside = [...places].find(([, place]) => place.external);
      if (outside) throw cannotReplace(path, outside[0]);
      const patches = patchesOf(checkpoint, names, replace, (name) => {
        const { runs, varints } = places.get(name)!;
        if (varints) throw cannotReplaceIntegers(path, name);
        if (runs.length !== 1) throw cannotReplace(path, name);
        return runs[0];
      });
      return copyPatched(source, output, patches);
    },
  };
}

/** The message's name and, for a type that is ours, where its elements lie. */
async function parseTensor(source: Source, message: Run): Promise<[string, OnnxPlace | undefined]> {
  const { path } = source;
  const shape: number[] = [];
  const runs = new Map([4, 5, 7, 9, 10, 11].map((number): [number, Run[]] => [number, []]));
  const external = new Map<string, string>();
  let [name, type, elsewhere] = ["", 0, false];
  for await (const field of fieldsOf(source, message)) {
    if (field.number === 1) shape.push(...(await integersOf(source, field)));
    else if (field.number === 2) type = Number(field.value ?? 0n);
    else if (field.number === 8) name = await readText(source, field);
    else if (field.number === 13) external.set(...(await parseEntry(source, field)));
    else if (field.number === 14) elsewhere = field.value === 1n;
    else runs.get(field.number)?.push(field);
  }
  const dtype = dtypes[type];
  if (!dtype) return [name, undefined];
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw damaged(path, `its tensor ${quote(name)} has a shape that is none`);
  if (elsewhere) return [name, { dtype, shape, runs: [], varints: false, external: locate(path, name, external) }];
  const raw = runs.get(9)!;
  const own = raw.length ? raw : runs.get(fieldOf(dtype))!;
  const varints = raw.length === 0 && ![4, 10].includes(fieldOf(dtype));
  const length = own.reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (varints ? length < sizeOf(shape) : length !== bytes) {
    throw damaged(path, `its tensor ${quote(name)} has ${length} bytes where its shape and type need ${bytes}`);
  }
  return [name, { dtype, shape, runs: own, varints }];
}

/** The field that holds a type's elements as numbers. */
function fieldOf(dtype: DType): number {
  if (dtype === "float32") return 4;
  if (dtype === "float64") return 10;
  if (dtype === "int64") return 7;
  return dtype === "uint64" || dtype === "uint32" ? 11 : 5;
}

async function integersOf(source: Source, field: Field): Promise<number[]> {
  if (field.wire === 0) return [Number(BigInt.asIntN(64, field.value!))];
  if (field.end - field.begin > 640) throw damaged(source.path, "a tensor has more axes than any has");
  return readVarints(await source.read(field.begin, field.end - field.begin), source.path).map((n) =>
    Number(BigInt.asIntN(64, n)),
  );
}

async function parseEntry(source: Source, message: Run): Promise<[string, string]> {
  let [key, value] = ["", ""];
  for await (const field of fieldsOf(source, message)) {
    if (field.number === 1) key = await readText(source, field);
    if (field.number === 2) value = await readText(source, field);
  }
  return [key, value];
}

/** External data lie in the model's folder or below it; a location that leads elsewhere is refused. */
function locate(path: string, name: string, entries: ReadonlyMap<string, string>) {
  const location = entries.get("location") ?? "";
  const offset = Number(entries.get("offset") ?? 0);
  const parts = location.split(/[\\/]/);
  if (location === "" || /^([\\/]|[A-Za-z]:)/.test(location) || parts.includes("..") || location.includes("\0"))
    throw damaged(path, `its tensor ${quote(name)} is said to lie in ${quote(location)}, which is no file beside it`);
  if (!Number.isSafeInteger(offset) || offset < 0) throw damaged(path, `its tensor ${quote(name)} has no valid offset`);
  return { path: join(dirname(path), location), offset };
}

async function readPlace(
  source: Source,
  other: (path: string) => Promise<Source>,
  { dtype, shape, runs, varints, external }: OnnxPlace,
  name: string,
): Promise<Tensor> {
  const size = sizeOf(shape) * bytesPerElement(dtype);
  if (external) {
    const file = await other(external.path);
    if (external.offset + size > file.size)
      throw cutShort(file.path, external.offset + size, file.size, `the tensor ${quote(name)} of ${source.path}`);
    return tensorFromBytes(dtype, shape, await file.read(external.offset, size));
  }
  const pieces = [];
  for (const { begin, end } of runs) pieces.push(await source.read(begin, end - begin));
  const bytes = pieces.length === 1 ? pieces[0] : new Uint8Array(Buffer.concat(pieces));
  if (!varints) return tensorFromBytes(dtype, shape, bytes);
  const numbers = runs.some(({ end, begin }) => end > begin) ? readVarints(bytes, source.path) : [];
  const tensor = tensorFromBytes(dtype, shape, new Uint8Array(size));
  if (numbers.length !== tensor.data.length)
    throw damaged(source.path, `its tensor ${quote(name)} has ${numbers.length} elements where [${shape}] are named`);
  numbers.forEach((n, i) => {
    if (tensor.data instanceof BigInt64Array || tensor.data instanceof BigUint64Array) tensor.data[i] = n;
    else tensor.data[i] = Number(BigInt.asIntN(32, n));
  });
  return tensor;
}

/** The sentence for elements whose bytes depend on their values: float16 in the field for integers, which onnx.save keeps there. */
const cannotReplaceIntegers = (path: string, name: string): UserError =>
  new UserError(
    `${path} keeps ${quote(name)} as integers, which cannot be rewritten in place. In Python, do t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t), t.name)) for every t in model.graph.initializer, and save the model.`,
  );

/** The sentence for elements that cannot be replaced where they lie. */
export function cannotReplace(path: string, name: string): UserError {
  return new UserError(
    `${path} keeps ${quote(name)} in a form that cannot be rewritten in place. In Python, save the model again with onnx.save.`,
  );
}
