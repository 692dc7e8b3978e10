// Ends that cannot be merged, told before anything is written; merged files that others read are in test/merge.test.ts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { merge } from "./merge.ts";

const folder = temporaryFolder();

it("leaves nothing behind when whole numbers differ, which have no average", async () => {
  const quantised = async (name: string, value: number) => {
    const path = join(folder, name);
    const scales = tensor("float32", [1], [value]);
    await writeTensors(
      path,
      "npz",
      new Map([
        ["scales", scales],
        ["qweight", tensor("int8", [2], [value, 1])],
      ]),
    );
    return path;
  };
  const [a, b] = [await quantised("q1", 1), await quantised("q2", 2)];
  const out = join(folder, "q.npz");
  await expect(merge({ a, b, out })).rejects.toThrow("whole-number tensors that differ (qweight)");
  expect([out, `${out}.merge.json`].map(existsSync)).toEqual([false, false]);
});
