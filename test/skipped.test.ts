// The closing lines about skipped tests.
import { expect, it } from "vitest";
import { countReasons } from "./skipped.ts";

it("skipped tests are counted by the reason in their names", () => {
  const python = "no Python with torch was found; LAYERWISE_PYTHON may name one";
  expect(
    countReasons([
      `ONNX models exported by PyTorch (skipped: ${python}) > a ResNet`,
      "rotary angles (skipped: ../shared is missing) > yarn",
      `barriers (../shared/fixtures) > running statistics (skipped: ${python})`,
      "images of ../shared (skipped where it is missing) > a photo (JPEG)",
      "checkpoints of real networks (needs ../shared) > reads one",
      "devices > webgpu trains (no SwiftShader or no libvulkan1 here)",
      "a cluster of three nodes (Slurm is not installed) > a job",
      "a test",
    ]),
  ).toEqual([
    expect.stringMatching(/^3 tests skipped: they need \.\.\/shared, .*\.$/),
    `2 tests skipped: ${python}.`,
    "1 test skipped: no SwiftShader or no libvulkan1 here.",
    "1 test skipped: Slurm is not installed.",
    "1 test skipped: their names do not say why.",
  ]);
});
