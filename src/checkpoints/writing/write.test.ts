import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anyTensors,
  formats,
  plain,
  readTensors,
  refusal,
  temporaryFolder,
  writeTensors,
} from "../../../test/checkpoints.ts";
import { tensor, UserError } from "../../core/index.ts";
import { openCheckpoint, writeCheckpoint } from "../index.ts";

const folder = temporaryFolder();

describe.each(formats)("%s", (format) => {
  const path = join(folder, `file.${format}`);

  it("gives back every dtype, shape, name and bit, in order", async () => {
    await fc.assert(
      fc.asyncProperty(anyTensors, async (tensors) => {
        fc.pre(format !== "npz" || tensors.size > 0); // an archive without arrays is not known as .npz
        fc.pre(format !== "torch" || tensors.size > 0);
        await writeTensors(path, format, tensors);
        expect(plain(await readTensors(path))).toEqual(plain(tensors));
      }),
      { numRuns: 150 },
    );
  });

  it("writes the same bytes for the same tensors", async () => {
    const tensors = new Map([
      ["b", tensor("float32", [2], [1, 2])],
      ["a", tensor("int64", [], [3])],
    ]);
    await writeTensors(path, format, tensors, { epoch: "3", author: "x" });
    const first = readFileSync(path);
    await writeTensors(path, format, tensors, { author: "x", epoch: "3" });
    expect(readFileSync(path).equals(first)).toBe(true);
  });

  it("leaves nothing behind when a tensor cannot be read", async () => {
    const infos = [{ name: "a", dtype: "float32", shape: [1] }] as const;
    const target = join(folder, "new", `never.${format}`);
    const failing = writeCheckpoint(target, format, infos, async () => {
      throw new UserError("no such tensor");
    });
    await expect(failing).rejects.toThrow("no such tensor");
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(join(folder, "new"))).toEqual([]);
  });

  it("refuses a tensor that is not what was announced, and two of one name", async () => {
    const info = { name: "a", dtype: "float32", shape: [1] } as const;
    const wrong = async () => tensor("float32", [2]);
    await expect(writeCheckpoint(path, format, [info], wrong)).rejects.toThrow("announced as float32[1]");
    await expect(writeCheckpoint(path, format, [info, info], wrong)).rejects.toThrow("duplicate tensor names");
  });

  it("reads tensors as copies of their own, and names the nearest to an unknown one", async () => {
    await writeTensors(path, format, new Map([["conv1.weight", tensor("float32", [2], [1, 2])]]));
    const checkpoint = await openCheckpoint(path);
    (await checkpoint.read("conv1.weight")).data[0] = 9;
    expect([...(await checkpoint.read("conv1.weight")).data]).toEqual([1, 2]);
    await expect(checkpoint.read("conv.weight")).rejects.toThrow(
      'has no tensor "conv.weight". Did you mean "conv1.weight"?',
    );
    await checkpoint.close();
    expect(checkpoint.format).toBe(format);
  });

  it("refuses a file cut anywhere", async () => {
    await writeTensors(path, format, new Map([["w", tensor("float32", [3], [1, 2, 3])]]));
    const bytes = readFileSync(path);
    const cut = join(folder, `cut.${format}`);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(await refusal(cut, bytes.subarray(0, length))).toMatch(/truncated|empty|starts with/);
    }
  });
});

it("keeps metadata and puts the widest elements first in safetensors", async () => {
  const path = join(folder, "mixed.safetensors");
  const tensors = new Map([
    ["flag", tensor("bool", [1], [1])],
    ["w", tensor("float64", [1], [2])],
  ]);
  await writeTensors(path, "safetensors", tensors, { epoch: "3" });
  expect(readFileSync(path, "latin1").slice(8, 200)).toContain(
    '{"__metadata__":{"epoch":"3"},"flag":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]},"w":{"dtype":"F64"',
  );
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint.metadata).toEqual({ epoch: "3" });
  expect([...checkpoint.tensors.keys()]).toEqual(["flag", "w"]);
  await checkpoint.close();
});
