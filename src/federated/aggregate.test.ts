import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { writeCheckpoint } from "../checkpoints/index.ts";
import { type Tensor, tensor } from "../core/index.ts";
import { averageCheckpoints } from "./aggregate.ts";

const folder = mkdtempSync(join(tmpdir(), "layerwise-aggregate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("averages the named tensors by samples, without counters and other tensors", async () => {
  const write = async (client: number, tensors: Record<string, Tensor>) => {
    const path = join(folder, `${client}.safetensors`);
    const infos = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
    await writeCheckpoint(path, "safetensors", infos, async (name) => tensors[name]);
    return path;
  };
  const of = (x: number) => ({
    w: tensor("float32", [2], [x, -x]),
    other: tensor("float32", [1], [x]),
    seen: tensor("int64", [], [x]),
  });
  const paths = [await write(0, of(1)), await write(1, of(4)), await write(2, of(7))];
  const found = await averageCheckpoints(paths, [10, 20, 70], ["w", "seen"]);
  expect([...found.keys()]).toEqual(["w"]);
  const mean = 0.1 * 1 + 0.2 * 4 + 0.7 * 7;
  expect(Array.from(found.get("w")!.data as Float32Array)).toEqual([Math.fround(mean), Math.fround(-mean)]);
});
