// Image preprocessing of each vision folder in shared/fixtures/encoders, with the preprocessor_config.json or
// pretrained_cfg that transformers or timm wrote.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { type Pipeline, readProcessor, readTimm } from "../src/data/index.ts";
import { normalise, shapePicture } from "../src/data/pictures/pipelines/pipeline.ts";
import { hasShared, sharedPath } from "./shared.ts";

const root = sharedPath("fixtures/encoders");
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

function pipelineOf(variant: string): Pipeline | undefined {
  const [processor, config] = ["preprocessor_config.json", "config.json"].map((name) => join(root, variant, "a", name));
  if (existsSync(processor)) return readProcessor(json(processor), processor);
  return existsSync(config) && json(config).pretrained_cfg ? readTimm(json(config).pretrained_cfg, config) : undefined;
}

describe.skipIf(!hasShared)("vision folders of ../shared (skipped if it is missing)", () => {
  const variants = hasShared ? readdirSync(root).filter((variant) => pipelineOf(variant)) : [];

  it.each(variants)("gives %s its pixel_values", async (variant) => {
    const file = await openCheckpoint(join(root, variant, "expected.npz"));
    const arrays = await readAll(file);
    await file.close();
    const [images, values] = [arrays.get("images")!, arrays.get("input_pixel_values")!];
    const [count, height, width] = images.shape;
    const pipeline = pipelineOf(variant)!;
    const got = new Float32Array(values.data.length);
    for (let i = 0; i < count; i++) {
      const pixels = (images.data as Uint8Array).subarray(i * height * width * 3, (i + 1) * height * width * 3);
      const shaped = shapePicture({ width, height, channels: 3, pixels }, pipeline);
      normalise(shaped, pipeline, got.subarray((i * got.length) / count, ((i + 1) * got.length) / count));
    }
    expect(got).toEqual(values.data);
  });

  it("finds folders of both kinds", () => expect(variants.length).toBeGreaterThan(10));
});
