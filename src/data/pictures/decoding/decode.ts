// Decodes an image to the same pixels as Pillow, ready for `convert("RGB")` or `alpha_composite`. sharp decodes. Where
// it would change values (colour profiles, orientation, 16 bits, CMYK), the stored values are requested, and Pillow's
// arithmetic is applied.
import type { Sharp } from "sharp";
import type { Channels, Picture } from "../pixels/picture.ts";
import { multiplyBytes } from "../pixels/resize.ts";

type Library = typeof import("sharp").default;

/** Formats whose pixels have been compared with Pillow's. */
const formats = ["jpeg", "png", "webp"];

/** Decodes one image. Rejects with the library's error. */
export async function decode(bytes: Uint8Array, sharp: Library): Promise<Picture> {
  // as in Pillow: a truncated file is an error, a decoder's warning is not
  const image = sharp(bytes, { ignoreIcc: true, failOn: "truncated" });
  const { format, space } = await image.metadata().catch(() => ({ format: "", space: "" }));
  if (!formats.includes(format)) throw new Error("it is not a complete JPEG, PNG or WebP file");
  if (space === "cmyk") return fromInks(await raw(image.pipelineColourspace("cmyk").toColourspace("cmyk")));
  if (isDeepGrey(bytes)) return clipped(image);
  const { data, info } = await raw(image);
  return { width: info.width, height: info.height, channels: info.channels as Channels, pixels: data };
}

async function raw(image: Sharp) {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), info };
}

/** True for a 16-bit grey PNG without alpha, by its header. */
const isDeepGrey = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[24] === 16 && bytes[25] === 0;

/** Clips 16-bit grey at 255, like Pillow. */
async function clipped(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.min(255, data.readUInt16LE(2 * i * channels));
  return { width, height, channels: 1, pixels };
}

/** Converts CMYK to RGB like Pillow's `convert("RGB")`. */
function fromInks({ data, info: { width, height } }: Awaited<ReturnType<typeof raw>>): Picture {
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const light = 255 - data[4 * i + 3];
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = Math.max(0, light - multiplyBytes(data[4 * i + c], light));
  }
  return { width, height, channels: 3, pixels };
}
