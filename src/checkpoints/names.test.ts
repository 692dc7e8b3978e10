import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { openCheckpoint } from "./index.ts";
import { wrapperPrefix } from "./names.ts";

it.each([
  [["module.a", "module.b.c"], "module."],
  [["_orig_mod.module.a", "_orig_mod.module.b"], "_orig_mod.module."],
  [["module._orig_mod.a"], "module._orig_mod."],
  [["module.module.a"], "module."], // the second one is a part of the network
  [["module.a", "b"], ""],
  [["module.a", "module."], ""],
  [["modules.a"], ""],
  [[], ""],
])("finds in %j the prefix %j", (names, prefix) => {
  expect(wrapperPrefix(names)).toBe(prefix);
});

it("opens every format without the prefix, and remembers it", async () => {
  const folder = temporaryFolder();
  for (const format of ["safetensors", "torch", "npz"] as const) {
    const path = join(folder, `x.${format}`);
    await writeTensors(path, format, new Map([["module.w", tensor("float32", [1], [5])]]));
    const checkpoint = await openCheckpoint(path);
    expect([checkpoint.prefix, [...checkpoint.tensors.values()]]).toEqual([
      "module.",
      [{ name: "w", dtype: "float32", shape: [1] }],
    ]);
    expect([...(await checkpoint.read("w")).data]).toEqual([5]);
    await checkpoint.close();
  }
});
