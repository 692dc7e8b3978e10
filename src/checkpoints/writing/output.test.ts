import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/checkpoints.ts";
import { type Output, openOutput } from "./output.ts";

const path = join(temporaryFolder(), "x");

/** Writes a file, and gives what it holds and every end that was called final. */
async function written(write: (output: Output) => Promise<void>): Promise<{ bytes: Buffer; final: number[] }> {
  const handle = await open(path, "w");
  const final: number[] = [];
  const output = openOutput(handle, (end) => final.push(end));
  await write(output);
  await output.flush();
  await handle.close();
  return { bytes: await readFile(path), final };
}

const pieces = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 12 });

it("holds all that was written, in order, though the writer's memory is used again", () =>
  fc.assert(
    fc.asyncProperty(pieces, async (sizes) => {
      const memory = [new Uint8Array(200_000), new Uint8Array(200_000)];
      const wanted: Uint8Array[] = [];
      const { bytes, final } = await written(async (output) => {
        for (const [i, size] of sizes.entries()) {
          const piece = memory[i % 2].subarray(0, size).fill(i + 1);
          wanted.push(piece.slice());
          await output.write(piece);
        }
      });
      expect(bytes.equals(Buffer.concat(wanted))).toBe(true);
      expect(final.at(-1)).toBe(bytes.length);
      expect(final).toEqual([...final].sort((a, b) => a - b));
    }),
    { numRuns: 30 },
  ));

it("changes what was written, on the disk or still gathered, and calls nothing final that is held", async () => {
  for (const size of [10, 100_000]) {
    const final: number[] = [];
    const { bytes } = await written(async (output) => {
      await output.write(new Uint8Array(size).fill(1));
      output.hold(size);
      for (let i = 0; i < 5; i++) await output.write(new Uint8Array(size).fill(2));
      await output.patch(size + 3, Uint8Array.of(9, 9));
      await output.patch(6 * size - 1, Uint8Array.of(8));
      output.hold(undefined);
      final.push(1);
    });
    expect([bytes[size + 2], bytes[size + 3], bytes[size + 4], bytes[size + 5], bytes.at(-1)]).toEqual([2, 9, 9, 2, 8]);
    expect(bytes.length).toBe(6 * size);
  }
  const ends: number[] = [];
  const handle = await open(path, "w");
  const output = openOutput(handle, (end) => ends.push(end));
  await output.write(new Uint8Array(100_000));
  output.hold(100_000);
  await output.write(new Uint8Array(100_000));
  await output.write(new Uint8Array(100_000));
  await output.flush();
  expect(Math.max(...ends)).toBe(100_000);
  output.hold(undefined);
  await output.flush();
  expect(ends.at(-1)).toBe(300_000);
  await handle.close();
});

it("throws what the disk says, at the latest when it is flushed", async () => {
  const full = { write: () => Promise.reject(new Error("the disk is full")) };
  const output = openOutput(full);
  await output.write(new Uint8Array(100_000));
  await expect(output.flush()).rejects.toThrow("the disk is full");
});
