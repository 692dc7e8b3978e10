// Folders with one change each: they are refused in a sentence, or give transformers' numbers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { UserError } from "../src/core/index.ts";
import { hasShared, sharedPath } from "./shared.ts";

const root = sharedPath("fixtures/huggingface");
/** Faulty only together with good-a. */
const partners = ["other-vocabulary", "other-tokenizer"];

interface Folder {
  readonly folder: string;
  readonly loss?: number;
}
const folders: [string, Folder][] = hasShared
  ? Object.entries(JSON.parse(readFileSync(join(root, "refused/expected.json"), "utf8")).folders)
  : [];

const measured = async (a: string, b: string) => {
  const data = { name: join(root, "accepted/data.txt"), context: 8 };
  const { document } = await measure({ a, b, model: {}, data, scans: ["full"] });
  return document.ends.a.loss!;
};

describe.skipIf(!hasShared)(`odd folders${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const [name, { folder, loss }] of folders) {
    const path = join(root, folder);
    const a = partners.includes(name) ? join(root, "accepted/good-a") : path;
    const isGood = folder.startsWith("accepted/");
    it(`${isGood ? "accepts" : "refuses"} ${name}`, async () => {
      const result = await measured(a, path).catch((error: unknown) => error);
      if (typeof result === "number" && (isGood || name.startsWith("right-or-refused")))
        expect(Math.abs(result - loss!)).toBeLessThan(2e-6);
      else {
        expect(isGood ? result : "").toBe("");
        expect(result).toBeInstanceOf(UserError);
      }
    });
  }
});
