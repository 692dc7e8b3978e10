// The initialisers of an ONNX model as a checkpoint. The file is protobuf; its messages are walked with small reads
// that skip the tensors' elements, so opening reads little of a large file. Elements are in the tensor (raw, or as
// numbers) or in another file next to the model (external data, required beyond 2 GB). Tensors of other types (strings,
// complex, eight-bit floats) are left out.
import { dirname, join } from "node:path";
import { bytesPerElement, type DType, sizeOf, type Tensor, tensorFromBytes, UserError } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { damaged, missingPart, openSource, quote, type Source, truncated } from "../source.ts";
import { patchesOf, type Span } from "../spans.ts";
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

export interface OnnxPlace {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The elements, little endian, one span after the other; as protobuf varints if `varints`. */
  readonly spans: readonly Span[];
  readonly varints: boolean;
  readonly external?: { readonly path: string; readonly offset: number };
}

/** Every exporter writes ModelProto's version (field 1) first; another of its fields must follow. */
export function isOnnx(head: Uint8Array): boolean {
  return (
    head[0] === 0x08 && head[1] > 0 && head[1] < 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2])
  );
}

export async function openOnnx(source: Source): Promise<Checkpoint> {
  const { path } = source;
  const graph = (await bytesField(source, { begin: 0, end: source.size }, 7)) ?? undefined;
  if (!graph) throw damaged(path, "it contains no graph");
  const places = new Map<string, OnnxPlace>();
  for await (const field of fieldsOf(source, graph)) {
    if (field.number !== 5 || field.wire !== 2) continue;
    const [name, place] = await parseTensor(source, field);
    if (places.has(name)) throw damaged(path, `it contains two initialisers named ${quote(name)}`);
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
      const { external, spans, varints, dtype, shape } = places.get(name)!;
      const size = sizeOf(shape) * bytesPerElement(dtype);
      if (external)
        return {
          size,
          read: async (begin, ...rest) => (await other(external.path)).read(external.offset + begin, ...rest),
        };
      if (varints || spans.length !== 1) return undefined;
      return { size, read: (begin, ...rest) => source.read(spans[0].begin + begin, ...rest) };
    },
    rewrite: (output, names, replace) => {
      const outside = [...places].find(([, place]) => place.external);
      if (outside) throw cannotReplace(path, outside[0]);
      const patches = patchesOf(checkpoint, names, replace, (name) => {
        const { spans, varints } = places.get(name)!;
        if (varints) throw cannotReplaceIntegers(path, name);
        if (spans.length !== 1) throw cannotReplace(path, name);
        return spans[0];
      });
      return copyPatched(source, output, patches);
    },
  };
}

/** The tensor's name and, for a supported type, the place of its elements. */
async function parseTensor(source: Source, message: Span): Promise<[string, OnnxPlace | undefined]> {
  const { path } = source;
  const shape: number[] = [];
  const spans = new Map([4, 5, 7, 9, 10, 11].map((number): [number, Span[]] => [number, []]));
  const external = new Map<string, string>();
  let [name, type, elsewhere] = ["", 0, false];
  for await (const field of fieldsOf(source, message)) {
    if (field.number === 1) shape.push(...(await integersOf(source, field)));
    else if (field.number === 2) type = Number(field.value ?? 0n);
    else if (field.number === 8) name = await readText(source, field);
    else if (field.number === 13) external.set(...(await parseEntry(source, field)));
    else if (field.number === 14) elsewhere = field.value === 1n;
    else spans.get(field.number)?.push(field);
  }
  const dtype = dtypes[type];
  if (!dtype) return [name, undefined];
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw damaged(path, `its tensor ${quote(name)} has an invalid shape`);
  if (elsewhere) return [name, { dtype, shape, spans: [], varints: false, external: locate(path, name, external) }];
  const raw = spans.get(9)!;
  const own = raw.length ? raw : spans.get(fieldOf(dtype))!;
  const varints = raw.length === 0 && ![4, 10].includes(fieldOf(dtype));
  const length = own.reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (varints ? length < sizeOf(shape) : length !== bytes) {
    throw damaged(path, `its tensor ${quote(name)} has ${length} bytes, but its shape and type require ${bytes}`);
  }
  return [name, { dtype, shape, spans: own, varints }];
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
  if (field.end - field.begin > 640) throw damaged(source.path, "a tensor has too many axes");
  return readVarints(await source.read(field.begin, field.end - field.begin), source.path).map((n) =>
    Number(BigInt.asIntN(64, n)),
  );
}

async function parseEntry(source: Source, message: Span): Promise<[string, string]> {
  let [key, value] = ["", ""];
  for await (const field of fieldsOf(source, message)) {
    if (field.number === 1) key = await readText(source, field);
    if (field.number === 2) value = await readText(source, field);
  }
  return [key, value];
}

/** External data must be in the model's folder or below it; any other location is refused. */
function locate(path: string, name: string, entries: ReadonlyMap<string, string>) {
  const location = entries.get("location") ?? "";
  const offset = Number(entries.get("offset") ?? 0);
  const parts = location.split(/[\\/]/);
  if (location === "" || /^([\\/]|[A-Za-z]:)/.test(location) || parts.includes("..") || location.includes("\0"))
    throw damaged(
      path,
      `its tensor ${quote(name)} has the external location ${quote(location)}, which is not a file in the model's folder`,
    );
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw damaged(path, `its tensor ${quote(name)} has an invalid offset`);
  return { path: join(dirname(path), location), offset };
}

async function readPlace(
  source: Source,
  other: (path: string) => Promise<Source>,
  { dtype, shape, spans, varints, external }: OnnxPlace,
  name: string,
): Promise<Tensor> {
  const size = sizeOf(shape) * bytesPerElement(dtype);
  if (external) {
    const file = await other(external.path);
    if (external.offset + size > file.size)
      throw truncated(file.path, external.offset + size, file.size, `the tensor ${quote(name)} of ${source.path}`);
    return tensorFromBytes(dtype, shape, await file.read(external.offset, size));
  }
  const pieces = [];
  for (const { begin, end } of spans) pieces.push(await source.read(begin, end - begin));
  const bytes = pieces.length === 1 ? pieces[0] : new Uint8Array(Buffer.concat(pieces));
  if (!varints) return tensorFromBytes(dtype, shape, bytes);
  const numbers = spans.some(({ end, begin }) => end > begin) ? readVarints(bytes, source.path) : [];
  const tensor = tensorFromBytes(dtype, shape, new Uint8Array(size));
  if (numbers.length !== tensor.data.length)
    throw damaged(source.path, `its tensor ${quote(name)} has ${numbers.length} elements, but its shape is [${shape}]`);
  numbers.forEach((n, i) => {
    if (tensor.data instanceof BigInt64Array || tensor.data instanceof BigUint64Array) tensor.data[i] = n;
    else tensor.data[i] = Number(BigInt.asIntN(32, n));
  });
  return tensor;
}

/**
 * The error for elements stored as varints, whose size depends on their values: float16 in int32_data, which onnx.save
 * keeps there.
 */
const cannotReplaceIntegers = (path: string, name: string): UserError =>
  new UserError(
    `${path} stores ${quote(name)} as integers, which cannot be rewritten in place. In Python, run t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t), t.name)) for every t in model.graph.initializer, then save the model.`,
  );

/** The error for elements that cannot be replaced in place. */
export function cannotReplace(path: string, name: string): UserError {
  return new UserError(
    `${path} stores ${quote(name)} in a form that cannot be rewritten in place. In Python, save the model again with onnx.save.`,
  );
}
