import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { type Tensor, tensor } from "../core/index.ts";
import { compareFiles } from "./compare.ts";

const folder = temporaryFolder();

async function write(name: string, tensors: Record<string, Tensor>): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeTensors(path, "safetensors", new Map(Object.entries(tensors)));
  return path;
}

it("says that a distance does not count them", async () => {
  const quantised = (name: string, seed: number, more: Record<string, Tensor> = {}) =>
    write(name, {
      ...more,
      "l.qweight": tensor("int32", [2, 2], [seed, 1, 2, 3]),
      "l.scales": tensor("float32", [2], [seed, 0.5]),
      "bn.num_batches_tracked": tensor("int64", [], [seed]),
    });
  const emb = { "emb.weight": tensor("float32", [2], [1, 2]) };
  const [a, b] = [await quantised("a", 1, emb), await quantised("b", 2, emb)];
  const { notes, distance } = await compareFiles(a, b);
  expect(notes).toEqual([
    "The distances exclude integer tensors that differ (l.qweight). If they are quantised, give the float models.",
  ]);
  expect(distance.full.euclidean).toBe(1);
  expect((await compareFiles(a, a)).notes).toBeUndefined();
  const [c, d] = [await quantised("scales1", 1), await quantised("scales2", 2)];
  await expect(compareFiles(c, d)).rejects.toThrow(
    `Most of ${c} and ${d} consists of integer tensors that differ (l.qweight), which have no distance. If they are quantised, give the float models.`,
  );
  expect((await compareFiles(c, c)).distance.full.euclidean).toBe(0);
});

it("names the layers that are not finite, and their file", async () => {
  const weights = (name: string, x: number, y: number) =>
    write(name, { "a.weight": tensor("float32", [2], [1, x]), "b.weight": tensor("float32", [2], [1, y]) });
  const [a, b, c] = [await weights("c", 1, 2), await weights("d", Number.NaN, 3), await weights("e", 1, -Infinity)];
  const undefinedDistances = "the distances of these layers, and the full distance, are undefined.";
  const { notes, distance } = await compareFiles(a, b);
  expect(notes).toEqual([`${b} contains NaN or infinite weights in a: ${undefinedDistances}`]);
  expect([distance.layers.b.euclidean, distance.full.euclidean]).toEqual([1, Number.NaN]);
  expect((await compareFiles(c, b, { init: a })).notes).toEqual([
    `${b} contains NaN or infinite weights in a: ${undefinedDistances}`,
    `${c} contains NaN or infinite weights in b: ${undefinedDistances}`,
  ]);
});
