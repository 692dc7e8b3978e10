// A rewritten file: the replaced tensors are new, and everything else is what it was.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anyTensors,
  formats,
  onnxBytes,
  plain,
  readTensors,
  temporaryFolder,
  writeTensors,
} from "../../../test/checkpoints.ts";
import { projectRoot, type Tensor } from "../../core/index.ts";
import { readAll } from "../checkpoint.ts";
import { chunksOf } from "../chunks.ts";
import { openCheckpoint } from "../detect.ts";
import { storedName } from "../select.ts";
import { rewriteCheckpoint } from "./rewrite.ts";

const folder = temporaryFolder();
const source = join(folder, "source");
const copy = join(folder, "copy");

/** An empty file holds nothing to replace. */
const someTensors = anyTensors.filter((tensors) => tensors.size > 0);

const reversed = (tensor: Tensor): Tensor => ({ ...tensor, data: tensor.data.slice().reverse() as Tensor["data"] });

async function write(format: string, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
  if (format === "onnx") writeFileSync(source, onnxBytes(tensors));
  else await writeTensors(source, format as (typeof formats)[number], tensors);
}

describe.each([...formats, "onnx"])("%s", (format) => {
  it("holds the replaced tensors and the others as they were", () =>
    fc.assert(
      fc.asyncProperty(someTensors, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), async (tensors, chosen) => {
        await write(format, tensors);
        const names = new Set([...tensors.keys()].filter((_, i) => chosen[i]));
        const file = await openCheckpoint(source);
        const short = (name: string) => tensors.get(storedName(file, name))!;
        const inner = new Set([...file.tensors.keys()].filter((name) => names.has(storedName(file, name))));
        await rewriteCheckpoint(file, copy, inner, async (name) => reversed(short(name)));
        await file.close();
        const wanted = new Map(
          [...tensors].map(([name, t]): [string, Tensor] => [name, names.has(name) ? reversed(t) : t]),
        );
        const written = await openCheckpoint(copy, { asStored: true });
        const found = await readAll(written);
        await written.close();
        expect(plain(found)).toEqual(plain(wanted));
      }),
      { numRuns: 60 },
    ));

  it("is the same file when nothing is replaced", async () => {
    await write(format, new Map([["a.weight", { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) }]]));
    const file = await openCheckpoint(source);
    await rewriteCheckpoint(file, copy, new Set(["a.weight"]), async () => undefined);
    await file.close();
    expect(readFileSync(copy).equals(readFileSync(source))).toBe(true);
  });

  it("gives the same elements in pieces as at once", () =>
    fc.assert(
      fc.asyncProperty(someTensors, fc.integer({ min: 1, max: 40 }), async (tensors, limit) => {
        await write(format, tensors);
        const file = await openCheckpoint(source);
        for (const name of file.tensors.keys()) {
          const pieces = [];
          for await (const { data } of chunksOf(file, name, limit))
            pieces.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
          const { data } = await file.read(name);
          expect(Buffer.concat(pieces).equals(Buffer.from(data.buffer, data.byteOffset, data.byteLength))).toBe(true);
        }
        await file.close();
      }),
      { numRuns: 60 },
    ));
});

it.each(["torch.zip.pt", "torch.legacy.pt"])(
  "%s: strided, shared and wrapped tensors find their places",
  async (name) => {
    const file = await openCheckpoint(join(projectRoot, "test/interop", name));
    const before = new Map<string, Tensor>();
    for (const key of file.tensors.keys()) before.set(key, await file.read(key));
    await rewriteCheckpoint(file, copy, new Set(before.keys()), async (key) => before.get(key));
    await file.close();
    expect(plain(await readTensors(copy))).toEqual(plain(before));
  },
);
