// The safetensors format: eight bytes with the header's length, a JSON header, then the tensors' bytes back to back. As
// in the reference implementation (huggingface/safetensors), the tensors must fill the rest of the file exactly: no
// gap, no overlap, nothing after them. Names are in the header's order, which may differ from the order of the bytes
// (JavaScript objects put names that are integers first), or in that of their numbers.
import { type DType, tensorFromBytes, UserError } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { damaged, quote, type Source, truncated } from "../source.ts";
import { withSpans } from "../spans.ts";
import { adviceForEightBits, findScale } from "../unusable.ts";
import { orderByNumber } from "./number-order.ts";

export const dtypeNames: Readonly<Record<DType, string>> = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

const dtypesByName = new Map(Object.entries(dtypeNames).map(([dtype, name]) => [name, dtype as DType]));

/** Complex numbers are pairs of floats. */
const complexNames: Readonly<Record<string, DType>> = { C64: "float32", C128: "float64" };
export const complexName = (dtype: DType) => (dtype === "float64" ? "C128" : "C64");

/** The reference implementation's limit for the header, in bytes. */
const longestHeader = 100_000_000;

interface Place {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly complex: boolean;
  /** From the start of the file, in bytes. */
  readonly begin: number;
  readonly end: number;
}

/** Opens one file; reads and checks only its header. */
export async function openSafetensors(source: Source): Promise<Checkpoint> {
  const { path } = source;
  const length = Number(new DataView((await source.read(0, 8)).buffer).getBigUint64(0, true));
  if (8 + length > source.size) throw truncated(path, 8 + length, source.size);
  if (length > longestHeader) throw damaged(path, "its header is longer than the format allows");
  const header = parseObject(path, await source.read(8, length));
  const { __metadata__: notes = {}, ...entries } = header;
  const listed = Object.keys(entries).map((name) => [name, parsePlace(path, name, entries, 8 + length)] as const);
  const places = new Map(orderByNumber(listed, ([, { dtype }]) => dtype));
  checkCover(path, places, 8 + length, source.size);
  const read = async ({ dtype, shape, begin, end }: Place) =>
    tensorFromBytes(dtype, shape, await source.read(begin, end - begin));
  const metadata = parseNotes(path, notes);
  const checkpoint = makeCheckpoint(source, "safetensors", places, read, metadata);
  const noted = { ...checkpoint, tied: tiedOf(metadata.tied, places), aliases: aliasesOf(metadata, places) };
  return withSpans(noted, source, (name) => places.get(name)!);
}

/** Tied tensors in the metadata of safetensors.torch.save_model: maps each omitted name to the one that is stored. */
function aliasesOf(
  metadata: Readonly<Record<string, string>>,
  places: ReadonlyMap<string, Place>,
): ReadonlyMap<string, string> | undefined {
  const aliases = Object.entries(metadata).filter(([name, kept]) => places.has(kept) && !places.has(name));
  return aliases.length ? new Map(aliases) : undefined;
}

/** Groups of tied names in the metadata field `tied` that layerwise writes, as JSON. Any other content is ignored. */
function tiedOf(note: string | undefined, places: ReadonlyMap<string, Place>): string[][] | undefined {
  if (note === undefined) return undefined;
  try {
    const groups: unknown = JSON.parse(note);
    const isGroup = (group: unknown) =>
      Array.isArray(group) &&
      group.length > 1 &&
      group.every((name) => String(places.get(name)?.shape) === String(places.get(group[0])?.shape ?? "none"));
    return Array.isArray(groups) && groups.every(isGroup) ? (groups as string[][]) : undefined;
  } catch {
    return undefined;
  }
}

/** Parses a JSON object. Throws {@link UserError} for anything else. */
export function parseObject(path: string, bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw damaged(path, "its header is not valid JSON");
  }
  if (!isObject(value)) throw damaged(path, "its header is not a JSON object");
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsePlace(path: string, name: string, entries: Readonly<Record<string, unknown>>, start: number): Place {
  const entry = entries[name];
  const fault = (what: string) => damaged(path, `the header's entry ${quote(name)} ${what}`);
  if (!isObject(entry)) throw fault("is not an object");
  const { dtype: dtypeName, data_offsets: offsets } = entry;
  if (typeof dtypeName !== "string" || dtypeName === "") throw fault("has no dtype");
  const complex = Object.hasOwn(complexNames, dtypeName);
  const dtype = complex ? complexNames[dtypeName] : dtypesByName.get(dtypeName);
  if (!dtype) throw unknownDtype(path, name, dtypeName, entries);
  if (!Array.isArray(entry.shape)) throw fault("has no shape");
  const shape: unknown[] = complex ? [...entry.shape, 2] : entry.shape;
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw fault("has an invalid shape");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw fault("has no pair of offsets");
  }
  const [begin, end] = offsets as [number, number];
  if (end - begin !== bytes) throw fault(`has ${end - begin} bytes, but its shape and dtype require ${bytes}`);
  return { dtype, shape: shape as number[], complex, begin: start + begin, end: start + end };
}

function unknownDtype(
  path: string,
  name: string,
  dtype: string,
  entries: Readonly<Record<string, unknown>>,
): UserError {
  const kind = /^F[468]_/.test(dtype) ? `${dtype} (floats of eight bits or fewer)` : quote(dtype);
  const fault = `${path} stores ${quote(name)} as ${kind}, which layerwise does not read`;
  // the first such tensor may be a mark without a scale, such as ComfyUI's scaled_fp8
  const alike = Object.entries(entries).flatMap(([one, entry]) =>
    isObject(entry) && entry.dtype === dtype ? [one] : [],
  );
  const scales = [name, ...alike].map((one) => findScale(one, (scale) => Object.hasOwn(entries, scale)));
  const scale = scales.find((one) => one !== undefined);
  return new UserError(`${fault}. ${adviceForEightBits(scale, "F16, BF16 or F32")}`);
}

/** The tensors must cover the bytes from `start` to `size` once each. */
function checkCover(path: string, places: ReadonlyMap<string, Place>, start: number, size: number): void {
  let at = start;
  const inOrder = [...places].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { begin, end }] of inOrder) {
    if (end > size) throw truncated(path, end, size);
    if (begin < at) throw damaged(path, `the tensor ${quote(name)} overlaps another one`);
    if (begin > at) throw damaged(path, `${begin - at} bytes before the tensor ${quote(name)} belong to no tensor`);
    at = end;
  }
  if (at !== size) throw damaged(path, `${size - at} bytes at its end belong to no tensor`);
}

function parseNotes(path: string, notes: unknown): Record<string, string> {
  if (!isObject(notes)) throw damaged(path, "its __metadata__ is not an object");
  const texts = Object.entries(notes).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (texts.length !== Object.keys(notes).length)
    throw damaged(path, "its __metadata__ contains values that are not strings");
  return Object.fromEntries(texts);
}
