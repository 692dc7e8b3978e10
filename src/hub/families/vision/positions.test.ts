import { expect, it } from "vitest";
import { tensor } from "../../../core/index.ts";
import { Graph, serialise } from "../../../graph/index.ts";
import { Session } from "../../../runtime/index.ts";
import { resizePositions } from "./positions.ts";

const own = Array.from({ length: 9 }, (_, i) => (7 * i * i + 3 * i) % 11);

/** The positions of one token and 3 x 3 patches, resized to another number of patches. */
async function resized(rows: number, columns: number): Promise<number[]> {
  const graph = new Graph();
  const positions = graph.input("positions", "float32", [1, 10, 1]);
  const patches = { channels: 3, height: 12, width: 12, side: 4 };
  const result = resizePositions(positions, 1, patches, rows, columns);
  const session = await Session.load(serialise({ result }));
  const { result: values } = await session.run({ positions: tensor("float32", [1, 10, 1], [5, ...own]) });
  await session.dispose();
  return Array.from(values.data as Float32Array);
}

// torch.nn.functional.interpolate(mode="bicubic", align_corners=False) of torch 2.15
it.each([
  [2, 4, [0.847961, 6.716383, 6.644749, 0.684683, 6.570105, 2.210684, 3.279688, 9.006723]],
  [
    5,
    3,
    [-0.576, 10.672001, 0.808, 2.328001, 7.427998, 1.272002, 6, 3, 3, 6.432, 1.272002, 7.428001, 6, 0.808, 10.672001],
  ],
])("positions of 3 x 3 patches for %i x %i are PyTorch's", async (rows, columns, wanted) => {
  const [token, ...values] = await resized(rows, columns);
  expect(token).toBe(5);
  expect(values).toHaveLength(wanted.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(wanted[i], 4);
});
