// The fixtures of shared/fixtures/images: pixels decoded and resized like Pillow, and shaped and normalised like
// transformers, timm and torchvision.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import type { Tensor } from "../src/core/index.ts";
import { imagenetPipeline, type Pipeline, readProcessor, readTimm } from "../src/data/index.ts";
import { decode } from "../src/data/pictures/decoding/decode.ts";
import { normalise, shapePicture } from "../src/data/pictures/pipelines/pipeline.ts";
import type { Filter } from "../src/data/pictures/pixels/filters.ts";
import { type Picture, toRgb } from "../src/data/pictures/pixels/picture.ts";
import { resize } from "../src/data/pictures/pixels/resize.ts";
import { hasShared, sharedPath } from "./shared.ts";

const folder = sharedPath("fixtures/images");
const arraysOf = async (file: string): Promise<ReadonlyMap<string, Tensor>> => {
  if (!hasShared) return new Map();
  const checkpoint = await openCheckpoint(`${folder}/${file}`);
  try {
    return await readAll(checkpoint);
  } finally {
    await checkpoint.close();
  }
};
const [decoded, resized, shaped] = await Promise.all(["decode.npz", "resize.npz", "pipelines.npz"].map(arraysOf));

const { default: sharp } = await import("sharp");
const open = async (file: string): Promise<Picture> => decode(await readFile(`${folder}/src/${file}`), sharp);

/** The largest difference of bytes. */
const apart = (picture: Picture, { shape, data }: Tensor): number => {
  expect([picture.height, picture.width]).toEqual(shape.slice(0, 2));
  expect(picture.pixels.length).toBe(data.length);
  return picture.pixels.reduce((most, byte, i) => Math.max(most, Math.abs(byte - Number(data[i]))), 0);
};

describe.skipIf(!hasShared)("images of ../shared (skipped if it is missing)", () => {
  const files = [...decoded.keys()].filter((key) => !key.includes("/"));

  it.each(files)("decodes %s like Pillow", async (file) => {
    expect(apart(toRgb(await open(file), "drop"), decoded.get(file)!)).toBe(0);
  });

  it.each(["rgba.png", "palette.png"])("composites %s on white like transformers", async (file) => {
    expect(apart(toRgb(await open(file), "white"), decoded.get(`${file}/on-white`)!)).toBe(0);
  });

  it("keeps alpha until it is converted", async () => {
    expect(apart(await open("rgba.png"), decoded.get("rgba.png/RGBA")!)).toBe(0);
  });

  it.each([...resized.keys()].filter((key) => !key.endsWith("horizontal-first")))(
    "resizes like Pillow: %s",
    async (key) => {
      const [file, filter, size] = key.split("/");
      const [width, height] = size.split("x").map(Number);
      const picture = await open(file);
      const own = file === "rgba.png" ? picture : file === "gray.png" ? firstOf(picture) : toRgb(picture, "drop");
      expect(apart(resize(own, width, height, filter as Filter), resized.get(key)!)).toBe(0);
    },
  );

  const keys = [...shaped.keys()].filter((key) => /\/(uint8|float)$/.test(key));
  it.each(keys)("shapes and normalises: %s", async (key) => {
    const [name, file, kind] = key.split("/");
    const pipeline = pipelines[name];
    const picture = shapePicture(await open(file), pipeline);
    const expected = shaped.get(key)!;
    if (kind === "uint8") return expect(apart(picture, expected)).toBe(0);
    const values = new Float32Array(3 * picture.width * picture.height);
    normalise(picture, pipeline, values);
    expect(values).toEqual(expected.data);
  });
});

/** sharp gives grey as three equal channels. */
function firstOf({ width, height, channels, pixels }: Picture): Picture {
  return { width, height, channels: 1, pixels: pixels.filter((_, i) => i % channels === 0) };
}

const square = (side: number) => ({ height: side, width: side });
const processor = (type: string, config: object = {}): Pipeline =>
  readProcessor({ image_processor_type: type, ...config }, "preprocessor_config.json");
const timm = (config: object): Pipeline => readTimm({ ...config }, "config.json");

/** The calls in pipelines.json. */
const pipelines: Readonly<Record<string, Pipeline>> = {
  vit: processor("ViTImageProcessor", { size: square(32), do_convert_rgb: true }),
  vit_rectangle: processor("ViTImageProcessor", {
    size: { height: 24, width: 40 },
    do_convert_rgb: true,
    image_mean: [0.485, 0.456, 0.406],
    image_std: [0.229, 0.224, 0.225],
  }),
  vit_lanczos: processor("ViTImageProcessor", { size: square(20), do_convert_rgb: true, resample: 1 }),
  vit_nearest: processor("ViTImageProcessor", { size: square(20), do_convert_rgb: true, resample: 0 }),
  deit: processor("DeiTImageProcessor", { size: square(37), crop_size: square(32), do_convert_rgb: true }),
  clip: processor("CLIPImageProcessor", { size: { shortest_edge: 36 }, crop_size: square(32) }),
  clip_padded: processor("CLIPImageProcessor", { size: { shortest_edge: 19 }, crop_size: square(28) }),
  bit: processor("BitImageProcessor", { size: { shortest_edge: 36 }, crop_size: square(28) }),
  convnext: processor("ConvNextImageProcessor", { size: { shortest_edge: 32 }, do_convert_rgb: true }),
  convnext_squash: processor("ConvNextImageProcessor", { size: { shortest_edge: 384 }, do_convert_rgb: true }),
  vit_default: processor("ViTImageProcessor"),
  clip_default: processor("CLIPImageProcessor"),
  convnext_224: processor("ConvNextImageProcessor", { size: { shortest_edge: 224 } }),
  timm_center: timm({ input_size: [3, 32, 32], crop_pct: 0.9, interpolation: "bicubic" }),
  timm_full: timm({
    input_size: [3, 32, 32],
    crop_pct: 1,
    interpolation: "bilinear",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  }),
  timm_squash: timm({ input_size: [3, 32, 32], crop_pct: 0.875, crop_mode: "squash", interpolation: "bicubic" }),
  timm_border: timm({ input_size: [3, 32, 32], crop_pct: 0.95, crop_mode: "border", interpolation: "bicubic" }),
  timm_rectangle: timm({ input_size: [3, 24, 40], crop_pct: 0.9, interpolation: "bicubic" }),
  torchvision: imagenetPipeline({ resize: 36, crop: 32 }),
};
