// Writes a state dict in torch.save's zip format, so torch.load reads it, with or without weights_only: an OrderedDict
// of tensors, each with its own storage. Uses only operations that PyTorch 1.13's restricted unpickler accepts. uint16,
// uint32 and uint64 are written as in PyTorch 2.3 and later; older versions do not have them.
import { bytesPerElement, type DType, sizeOf } from "../../core/index.ts";
import { writeZip } from "../archive/zip-writer.ts";
import type { TensorInfo } from "../checkpoint.ts";
import { rowStrides } from "../layout.ts";
import type { BytesOf } from "../writing/elements.ts";
import type { Output } from "../writing/output.ts";

const storageClasses: Readonly<Partial<Record<DType, string>>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/** Writes tensor by tensor, in the order given. */
export async function writeTorch(output: Output, tensors: readonly TensorInfo[], bytesOf: BytesOf): Promise<void> {
  const text = (content: string) => new TextEncoder().encode(content);
  const zip = writeZip(output);
  await zip.add("archive/data.pkl", pickleStateDict(tensors));
  await zip.add("archive/byteorder", text("little"));
  for (const [key, info] of tensors.entries()) {
    const size = sizeOf(info.shape) * bytesPerElement(info.dtype);
    await zip.addInPieces(`archive/data/${key}`, size, bytesOf(info));
  }
  await zip.add("archive/version", text("3\n"));
  await zip.finish();
}

/** The pickle, protocol 2; the storage of the i-th tensor has the key `i`. */
function pickleStateDict(tensors: readonly TensorInfo[]): Uint8Array {
  const pieces: Uint8Array[] = [op("\x80\x02"), orderedDict, op("(")];
  for (const [key, info] of tensors.entries()) pieces.push(string(info.name), pickleTensor(info, `${key}`));
  pieces.push(op("u."));
  return Buffer.concat(pieces);
}

function pickleTensor({ dtype, shape: parts, complex }: TensorInfo, key: string): Uint8Array {
  const shape = complex ? parts.slice(0, -1) : parts;
  const complexClass = dtype === "float64" ? "ComplexDoubleStorage" : "ComplexFloatStorage";
  const storageClass = complex ? complexClass : storageClasses[dtype];
  const count = storageClass ? sizeOf(shape) : sizeOf(shape) * bytesPerElement(dtype);
  const kind = storageClass ? global("torch", storageClass) : global("torch.storage", "UntypedStorage");
  const storage: Uint8Array[] = [tuple(string("storage"), kind, string(key), string("cpu"), integer(count)), op("Q")];
  const layout = [integer(0), tuple(...shape.map(integer)), tuple(...rowStrides(shape).map(integer))];
  const rest = [op("\x89"), orderedDict]; // requires_grad, hooks
  const rebuild = storageClass ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3";
  const last = storageClass ? [] : [global("torch", dtype)];
  return Buffer.concat([global("torch._utils", rebuild), tuple(...storage, ...layout, ...rest, ...last), op("R")]);
}

const op = (codes: string) => Buffer.from(codes, "latin1");
const global = (module: string, name: string) => op(`c${module}\n${name}\n`);
const tuple = (...items: Uint8Array[]) => Buffer.concat([op("("), ...items, op("t")]);
const orderedDict = Buffer.concat([global("collections", "OrderedDict"), op(")R")]);

function string(content: string): Uint8Array {
  const bytes = Buffer.from(content, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([op("X"), length, bytes]);
}

/** BININT, or LONG1 of eight bytes beyond 31 bits. */
function integer(n: number): Uint8Array {
  const bytes = Buffer.alloc(n < 2 ** 31 ? 4 : 8);
  if (bytes.length === 4) bytes.writeInt32LE(n);
  else bytes.writeBigInt64LE(BigInt(n));
  return Buffer.concat([op(bytes.length === 4 ? "J" : "\x8a\x08"), bytes]);
}
