// One NumPy array in a .npy file.
import { bytesPerElement, sizeOf, type Tensor, tensorFromBytes, UserError } from "../../core/index.ts";
import { columnStrides, gather, swapBytes } from "../layout.ts";
import { openSource } from "../source.ts";
import { npyDataStart, npyPreamble, parseNpyHeader, unreadDtype } from "./npy.ts";

/**
 * Reads the array, or only its first `rows` if that is cheaper. Throws {@link UserError} if the file is not a complete
 * numeric array.
 */
export async function readNpy(path: string, rows?: number): Promise<Tensor> {
  const source = await openSource(path);
  try {
    const fault = (what: string) => new UserError(`${path} ${what}. Save it again with numpy.save.`);
    const start = npyDataStart(await source.read(0, Math.min(npyPreamble, source.size)), fault);
    const header = parseNpyHeader(await source.read(0, start), fault);
    if ("unread" in header)
      throw header.unread ? unreadDtype(path, header.unread) : fault("contains objects or strings, not numbers");
    const { dtype, fortran, bigEndian, complex } = header;
    const isPart = rows !== undefined && !fortran && header.shape.length > 0 && rows < header.shape[0];
    const shape = isPart ? [rows, ...header.shape.slice(1)] : header.shape;
    const width = bytesPerElement(dtype);
    const end = start + sizeOf(header.shape) * width;
    if (end !== source.size) throw fault(`has ${source.size} bytes, but its header requires ${end}`);
    const bytes = await source.read(start, sizeOf(shape) * width);
    if (bigEndian) swapBytes(bytes, width);
    return tensorFromBytes(dtype, shape, fortran ? gather(bytes, width, shape, columnStrides(shape, complex)) : bytes);
  } finally {
    await source.close();
  }
}
