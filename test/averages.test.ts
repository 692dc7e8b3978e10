// A moving average beside the weights, in one of two files.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tensor } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeNew } from "./checkpoints.ts";
import { randomTensor } from "./onnx-graphs.ts";

const leaves = ["fc1.weight", "fc1.bias", "fc2.weight"];

describe("a moving average in one file only", () => {
  const tensors = (seed: string, names: readonly string[]) =>
    new Map(names.map((name): [string, Tensor] => [name, randomTensor(seed + name, [4])]));
  const averages = leaves.map((name) => `ema_${name.replace(".", "_")}`);

  it("is left out of distances and unchanged by a merge, with a note, whichever end it is in", async () => {
    const [own, other] = [tensors("a", [...leaves, ...averages]), tensors("b", leaves)];
    const [x, y] = [await writeNew(Object.fromEntries(own)), await writeNew(Object.fromEntries(other))];
    const plain = await compareFiles(await writeNew(Object.fromEntries(tensors("a", leaves))), y);
    const { distance, layers, notes } = await compareFiles(x, y);
    expect([distance, layers]).toEqual([plain.distance, plain.layers]);
    expect(notes?.join()).toContain("a moving average of the weights, which");
    expect((await compareFiles(y, x)).distance.full).toEqual(plain.distance.full);
    const out = join(temporaryFolder(), "m.safetensors");
    await merge({ a: x, b: y, out });
    const merged = await readTensors(out);
    for (const name of averages) expect(merged.get(name)).toEqual(own.get(name));
    for (const name of leaves)
      expect(merged.get(name)!.data[0]).toBeCloseTo(
        ((own.get(name)!.data[0] as number) + (other.get(name)!.data[0] as number)) / 2,
        6,
      );
  });
});
