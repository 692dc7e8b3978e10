import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, it } from "vitest";
import { decode } from "./decode.ts";

const raw = (data: Uint8Array | Uint16Array, width: number, height: number, channels: 1 | 3) =>
  sharp(data, { raw: { width, height, channels } });
const colours = Uint8Array.of(250, 10, 20, 30, 240, 50, 60, 70, 230, 80, 90, 100);

/** A chunk of a PNG file. */
function chunk(type: string, data: Uint8Array): Buffer {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  const content = Buffer.concat([Buffer.from(type), data]);
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}

it("keeps stored colours, with any colour profile", async () => {
  const plain = await raw(colours, 2, 2, 3).png().toBuffer();
  const { icc } = await sharp(await raw(colours, 2, 2, 3).withIccProfile("p3").png().toBuffer()).metadata();
  const profile = chunk("iCCP", Buffer.concat([Buffer.from("p3\0\0"), deflateSync(icc!)]));
  const profiled = Buffer.concat([plain.subarray(0, 33), profile, plain.subarray(33)]);
  const picture = { width: 2, height: 2, channels: 3, pixels: colours };
  expect(await decode(plain, sharp)).toEqual(picture);
  expect(await decode(profiled, sharp)).toEqual(picture);
  const { data } = await sharp(profiled).raw().toBuffer({ resolveWithObject: true });
  expect([...data]).not.toEqual([...colours]); // what the library would do on its own
});

it("does not rotate an image by its orientation", async () => {
  const turned = await raw(new Uint8Array(3 * 8), 4, 2, 3)
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  expect(await decode(turned, sharp)).toMatchObject({ width: 4, height: 2 });
});

it("clips 16-bit grey at 255, and uses the upper 8 bits of colours", async () => {
  const deep = Uint16Array.of(0, 7, 255, 256, 40_000, 65_535);
  const grey = await raw(deep, 6, 1, 1).toColourspace("grey16").png().toBuffer();
  expect(await decode(grey, sharp)).toEqual({
    width: 6,
    height: 1,
    channels: 1,
    pixels: Uint8Array.of(0, 7, 255, 255, 255, 255),
  });
  const colour = await raw(deep, 2, 1, 3).toColourspace("rgb16").png().toBuffer();
  expect(colour[24]).toBe(16);
  expect((await decode(colour, sharp)).pixels).toEqual(Uint8Array.of(0, 0, 0, 1, 156, 255));
});

it("refuses truncated files, and formats whose pixels have not been compared", async () => {
  const noise = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7919) % 251);
  for (const file of [await raw(noise, 64, 64, 3).jpeg().toBuffer(), await raw(noise, 64, 64, 3).png().toBuffer()])
    await expect(decode(file.subarray(0, file.length / 2), sharp)).rejects.toThrow();
  const gif = await raw(noise, 64, 64, 3).gif().toBuffer();
  await expect(decode(gif, sharp)).rejects.toThrow("it is not a complete JPEG, PNG or WebP file");
});
