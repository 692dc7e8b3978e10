// Quantised weights, masks and counters: tensors that cannot be averaged are refused.
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { openCheckpoint } from "../checkpoints/index.ts";
import { fromNumbers, type Tensor, tensor, UserError } from "../core/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import { openEnds } from "./pair.ts";

const folder = temporaryFolder();

async function write(name: string, tensors: Record<string, Tensor>): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeTensors(path, "safetensors", new Map(Object.entries(tensors)));
  return path;
}

/** A GPTQ layer, a counter and positions. */
const quantised = (name: string, seed: number) =>
  write(name, {
    "l.qweight": tensor("int32", [2, 2], [seed, 1, 2, 3]),
    "l.scales": fromNumbers("float16", [2], [seed, 0.5]),
    "bn.num_batches_tracked": tensor("int64", [], [seed]),
    position_ids: tensor("int64", [1, 3], [0, 1, 2]),
  });

async function refusalOf(a: string, b: string): Promise<string | undefined> {
  const [x, y] = [await openCheckpoint(a), await openCheckpoint(b)];
  const refusal = await kindsOfFiles(x, y)
    .then((kinds) => requireAverageable(kinds, a, b))
    .catch((error: unknown) => error);
  await Promise.all([x.close(), y.close()]);
  if (refusal instanceof Error && !(refusal instanceof UserError)) throw refusal;
  return (refusal as UserError | undefined)?.message;
}

it("refuses integer tensors that differ, except counters and masks", async () => {
  const [a, b] = [await quantised("a", 1), await quantised("b", 2)];
  const sentence = `${a} and ${b} contain integer tensors that differ (l.qweight), which cannot be averaged. If they are quantised, give the float models.`;
  expect(await refusalOf(a, b)).toBe(sentence);
  expect(await refusalOf(a, a)).toBeUndefined();
  await expect(openEnds({ a, b, model: { name: "resnet18" } })).rejects.toThrow(sentence);
  const counted = (seed: number) => write(`counted${seed}`, { count: tensor("int64", [1], [seed]) });
  expect(await refusalOf(await counted(1), await counted(2))).toBeUndefined();
  const masked = (name: string, mask: number[]) => write(name, { mask: tensor("bool", [2], mask) });
  expect(await refusalOf(await masked("m", [0, 1]), await masked("n", [1, 1]))).toBeUndefined(); // kept, with a note
  const [whole, float] = [tensor("int8", [2], [1, 2]), tensor("float32", [2], [1, 3])];
  const [c, d] = [await write("c", { w: whole }), await write("d", { w: float })];
  expect(await refusalOf(c, d)).toContain("(w)");
  expect(await refusalOf(d, c)).toContain("(w)");
});
