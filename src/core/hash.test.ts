// Hashes computed in threads equal the hash of the bytes, whenever these were written.
import { appendFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hashWritten, sha256, sha256File, sha256Files } from "./index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "layerwise-"));
});
afterAll(() => rm(folder, { recursive: true }));

const large = Buffer.alloc((1 << 25) + 12_345, "some bytes, again and again");

it("hashes small and large files alike, and several as one", async () => {
  const [small, big] = [join(folder, "small"), join(folder, "big")];
  writeFileSync(small, "abc");
  writeFileSync(big, large);
  expect(await sha256File(small)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(await sha256File(big)).toBe(sha256(large));
  expect(await sha256Files([big])).toBe(sha256(large));
  const all = [sha256("abc"), sha256(large), sha256("abc"), sha256("abc")];
  expect(await sha256Files([small, big, small, small])).toBe(sha256(all.join("")));
});

it("hashes a file while it grows, and stops on request", async () => {
  const path = join(folder, "growing");
  writeFileSync(path, "first, ");
  const hashing = hashWritten(path);
  hashing.upTo(5);
  appendFileSync(path, "second");
  hashing.upTo(9);
  expect(await hashing.digest()).toBe(sha256("first, second"));
  const stopped = new AbortController();
  const never = sha256File(join(folder, "big"), stopped.signal);
  stopped.abort(new Error("stopped"));
  await expect(never).rejects.toThrow("stopped");
});

it("says which file is missing", async () => {
  await expect(sha256File(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(hashWritten(join(folder, "none")).digest()).rejects.toMatchObject({ code: "ENOENT" });
});
