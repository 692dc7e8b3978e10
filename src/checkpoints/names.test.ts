import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { openCheckpoint, storedName } from "./index.ts";
import { unwrappedNames } from "./names.ts";

const bare = (names: readonly string[]) => unwrappedNames(names).join();

it.each([
  [["module.a", "module.b.c"], "a,b.c"],
  [["_orig_mod.module.a", "_orig_mod.module.b"], "a,b"],
  [["module._orig_mod.a"], "a"],
  [["module.module.a"], "module.a"], // the second one is a part of the network
  [["module.a", "b"], "module.a,b"],
  [["module.a", "module."], "module.a,module."],
  [["modules.a", "my_orig_mod.b"], "modules.a,my_orig_mod.b"],
  [["model._orig_mod.fc.weight", "model.head.bias"], "model.fc.weight,model.head.bias"],
  [["_fsdp_wrapped_module.a._fsdp_wrapped_module._checkpoint_wrapped_module.b"], "a.b"],
  [["_forward_module.a", "_forward_module._orig_mod.b"], "a,b"],
  [["_module.a", "_module.b"], "a,b"],
  [["model._module.fc.weight", "model._module.fc.bias", "model.head"], "model.fc.weight,model.fc.bias,model.head"],
  [["_module.a", "a"], "_module.a,a"],
  [["my_module.a", "b"], "my_module.a,b"],
  [["a._orig_mod.b", "a.b"], "a._orig_mod.b,a.b"], // two would become one
  [["a._orig_mod"], "a._orig_mod"], // a tensor of that name
  [[], ""],
])("takes wrappers out of %j: %j", (names, expected) => {
  expect(bare(names)).toBe(expected);
});

const wrapper = fc.constantFrom(
  ...["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "_module"],
);
const component = fc.constantFrom("a", "b", "fc1", "module", "0");

it("gives the names of a network back, wherever wrappers are put into them", () => {
  const network = fc.uniqueArray(
    fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(".")),
    { minLength: 1, maxLength: 8 },
  );
  // the modules that are wrapped, by their path
  const wrapped = fc.dictionary(fc.constantFrom("", "a", "a.b", "fc1", "module.a"), wrapper);
  fc.assert(
    fc.property(network, wrapped, (names, wrappers) => {
      const wrap = (name: string) => {
        const parts = name.split(".");
        return parts
          .flatMap((part, i) => [...(wrappers[parts.slice(0, i).join(".")]?.split(" ") ?? []), part])
          .join(".");
      };
      expect(unwrappedNames(names.map(wrap))).toEqual(unwrappedNames(names));
    }),
  );
});

it("opens every format without the prefix, and remembers it", async () => {
  const folder = temporaryFolder();
  for (const format of ["safetensors", "torch", "npz"] as const) {
    const path = join(folder, `x.${format}`);
    await writeTensors(path, format, new Map([["module.w", tensor("float32", [1], [5])]]));
    const checkpoint = await openCheckpoint(path);
    expect([storedName(checkpoint, "w"), [...checkpoint.tensors.values()]]).toEqual([
      "module.w",
      [{ name: "w", dtype: "float32", shape: [1] }],
    ]);
    expect([...(await checkpoint.read("w")).data]).toEqual([5]);
    await checkpoint.close();
  }
});

it("chooses a part by the names in the file, or by those without wrappers", async () => {
  const path = join(temporaryFolder(), "x.pt");
  const names = ["module.q._module.fc.weight", "module.q._module.fc.bias", "module.k._module.fc.weight"];
  await writeTensors(path, "torch", new Map(names.map((name) => [name, tensor("float32", [1], [5])])));
  for (const key of ["q", "module.q", "module.q._module"]) {
    const checkpoint = await openCheckpoint(path, { key });
    expect([...checkpoint.tensors.keys()], key).toEqual(["fc.weight", "fc.bias"]);
    expect(storedName(checkpoint, "fc.bias")).toBe("module.q._module.fc.bias");
    expect([...(await checkpoint.read("fc.bias")).data]).toEqual([5]);
    await checkpoint.close();
  }
  await expect(openCheckpoint(path, { key: "module.v" })).rejects.toThrow(
    'no dictionary "module.v", and no tensor names that start with it',
  );
});
