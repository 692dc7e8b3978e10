import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../test/checkpoints.ts";
import { openSource } from "./source.ts";

const path = join(temporaryFolder(), "x");
const size = 600_000;
const content = Buffer.from(Uint32Array.from({ length: size / 4 }, (_, i) => Math.imul(i, 0x9e3779b1)).buffer);

it("gives any bytes of the file, several reads at a time, in memory of their own or in the caller's", async () => {
  writeFileSync(path, content);
  const source = await openSource(path);
  const read = fc.tuple(fc.nat(size), fc.oneof(fc.nat(100), fc.nat(40_000), fc.nat(300_000)), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(read, { maxLength: 8 }), async (reads) => {
      const found = await Promise.all(
        reads.map(async ([offset, length, own]) => {
          const most = Math.min(length, size - offset);
          const memory = own ? new Uint8Array(most) : undefined;
          const bytes = await source.read(offset, most, memory);
          if (memory) expect(bytes).toBe(memory);
          return Buffer.compare(bytes, content.subarray(offset, offset + most));
        }),
      );
      expect(found.every((order) => order === 0)).toBe(true);
    }),
  );
  const first = await source.read(0, 8);
  first.fill(0);
  expect(Buffer.compare(await source.read(0, 8), content.subarray(0, 8))).toBe(0);
  await expect(source.read(size - 4, 8)).rejects.toThrow("is truncated");
  await source.close();
});
