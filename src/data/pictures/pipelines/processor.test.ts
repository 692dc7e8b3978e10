import { expect, it } from "vitest";
import { UserError } from "../../../core/index.ts";
import type { Pipeline } from "./pipeline.ts";
import { readProcessor } from "./processor.ts";
import { readTimm } from "./timm.ts";

const of = (config: object): Pipeline => readProcessor({ ...config }, "p.json");
const refusal = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "read";
};

it("reads the keys of version 4 like the current ones", () => {
  expect(of({ feature_extractor_type: "ViTFeatureExtractor", size: 32 })).toEqual(
    of({ image_processor_type: "ViTImageProcessor", size: { height: 32, width: 32 } }),
  );
  expect(of({ image_processor_type: "CLIPImageProcessorFast", size: 32, crop_size: 28 })).toEqual(
    of({
      image_processor_type: "CLIPImageProcessor",
      size: { shortest_edge: 32 },
      crop_size: { height: 28, width: 28 },
    }),
  );
  expect(of({ feature_extractor_type: "ConvNextFeatureExtractor", size: 224, crop_pct: 0.875 })).toEqual(
    of({ image_processor_type: "ConvNextImageProcessor", size: { shortest_edge: 224 } }),
  );
});

it("replaces null by the class's default, and crops with any class on request", () => {
  const type = { image_processor_type: "BitImageProcessor" };
  expect(of({ ...type, do_center_crop: null, do_pad: false, _valid_processor_keys: ["size"] })).toEqual(of(type));
  const { steps, transparency } = of({
    image_processor_type: "ViTImageProcessor",
    size: [30, 40],
    do_center_crop: true,
    crop_size: 24,
    image_mean: 0.5,
    resample: 5,
  });
  expect(transparency).toBe("drop");
  expect(steps).toEqual([
    { kind: "resize", to: { height: 30, width: 40 }, filter: "hamming" },
    { kind: "crop", height: 24, width: 24, rule: "transformers" },
  ]);
});

it.each([
  [{}, "p.json does not name its image_processor_type."],
  [{ image_processor_type: "SamImageProcessor" }, "p.json: the processor SamImageProcessor is not supported"],
  [{ do_pad: true }, "p.json has do_pad, which is not supported for ViTImageProcessor."],
  [{ resample: 7 }, "p.json: resample is 7, but must be 0 to 5."],
  [{ size: { longest_edge: 5 } }, 'p.json: size is {"longest_edge":5}, but must be a height and a width'],
  [{ size: { height: 0, width: 5 } }, "but must be positive integers"],
  [{ image_std: [1, 1] }, "p.json: image_std is [1,1], but must be three numbers."],
  [{ image_std: [1, 1, 0] }, "p.json: image_std is [1,1,0], but must be three numbers."],
  [{ do_resize: "yes" }, 'p.json: do_resize is "yes", but must be true or false.'],
  [{ do_center_crop: true }, "p.json: crop_size is undefined, but must be a size."],
])("refuses %j", (config, sentence) => {
  const type = Object.keys(config).length ? { image_processor_type: "ViTImageProcessor" } : {};
  expect(refusal(() => of({ ...type, ...config }))).toContain(sentence);
});

it.each([
  [{ input_size: [1, 28, 28] }, "c.json: input_size in pretrained_cfg is [1,28,28], but must be [3, height, width]."],
  [{ interpolation: "random" }, 'c.json: interpolation in pretrained_cfg is "random"'],
  [{ crop_mode: "corner" }, "but must be center, squash or border"],
  [{ crop_pct: 0 }, "but must be a number above 0"],
  [{ mean: [1] }, "but must be three numbers"],
])("refuses timm's %j", (config, sentence) => {
  expect(refusal(() => readTimm(config, "c.json"))).toContain(sentence);
});
