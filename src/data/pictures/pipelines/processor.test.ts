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

it("reads version 4's spellings as today's", () => {
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

it("gives null the class's default, and crops where any class is asked to", () => {
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
  [
    { image_processor_type: "SamImageProcessor" },
    "p.json has the processor SamImageProcessor, which layerwise does not know",
  ],
  [{ do_pad: true }, "p.json has do_pad, which layerwise does not know for ViTImageProcessor."],
  [{ resample: 7 }, "p.json has resample 7, where layerwise expects 0 to 5."],
  [{ size: { longest_edge: 5 } }, 'p.json has size {"longest_edge":5}, where layerwise expects a height and a width'],
  [{ size: { height: 0, width: 5 } }, "where layerwise expects whole numbers of pixels"],
  [{ image_std: [1, 1] }, "p.json has image_std [1,1], where layerwise expects three numbers."],
  [{ image_std: [1, 1, 0] }, "p.json has image_std [1,1,0], where layerwise expects three numbers."],
  [{ do_resize: "yes" }, 'p.json has do_resize "yes", where layerwise expects true or false.'],
  [{ do_center_crop: true }, "p.json has crop_size undefined, where layerwise expects a size."],
])("refuses %j", (config, sentence) => {
  const type = Object.keys(config).length ? { image_processor_type: "ViTImageProcessor" } : {};
  expect(refusal(() => of({ ...type, ...config }))).toContain(sentence);
});

it.each([
  [
    { input_size: [1, 28, 28] },
    "c.json has input_size [1,28,28] in pretrained_cfg, where layerwise expects three channels.",
  ],
  [{ interpolation: "random" }, 'c.json has interpolation "random" in pretrained_cfg'],
  [{ crop_mode: "corner" }, "where layerwise expects center, squash or border"],
  [{ crop_pct: 0 }, "where layerwise expects a number above 0"],
  [{ mean: [1] }, "where layerwise expects three numbers"],
])("refuses timm's %j", (config, sentence) => {
  expect(refusal(() => readTimm(config, "c.json"))).toContain(sentence);
});
