// layerwise reads files from PyTorch and numpy, and they read files from layerwise, with equal tensors. torch.files.py
// is the Python half; torch.zip.pt and torch.legacy.pt are its samples, for machines without PyTorch.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint, storedName } from "../../src/checkpoints/index.ts";
import { dtypes, projectRoot, type Tensor, tensor, UserError } from "../../src/core/index.ts";
import { formats, plain, readTensors, temporaryFolder, writeTensors } from "../checkpoints.ts";
import { findPython, runPython } from "../python.ts";
import { hasShared, sharedPath } from "../shared.ts";

/** dtype, shape, bytes in hexadecimal. */
type Described = [string, number[], string];

const here = join(projectRoot, "test/interop");
const folder = temporaryFolder();

const { python, note } = findPython("torch", "numpy");
const ask = (...args: string[]): string =>
  runPython(python!, ["-W", "ignore", join(here, "torch.files.py"), ...args], { cwd: folder });

const describeAll = (tensors: ReadonlyMap<string, Tensor>) =>
  new Map(plain(tensors).map(([name, ...rest]) => [name, rest as Described]));

describe.skipIf(!python)(`files from PyTorch and numpy${note}`, () => {
  const expected = (): Record<string, Record<string, Described> | null> => {
    if (!existsSync(join(folder, "expected.json"))) ask("make", folder);
    return JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));
  };

  it("reads every tensor to the last bit, in the file's order", async () => {
    for (const [file, state] of Object.entries(expected())) {
      if (!state) continue;
      const found = describeAll(await readTensors(join(folder, file)));
      expect([file, ...found]).toEqual([file, ...Object.entries(state)]);
    }
    expect(existsSync(join(folder, "executed"))).toBe(false);
  });

  it("refuses files without a state dict or with code, and executes nothing", async () => {
    const sentences = new Map<string, string>();
    for (const [file, state] of Object.entries(expected())) {
      if (state) continue;
      const error: unknown = await openCheckpoint(join(folder, file)).catch((e: unknown) => e);
      expect(error, file).toBeInstanceOf(UserError);
      sentences.set(file, (error as UserError).message.replaceAll(`${folder}/`, ""));
    }
    const forms = ["zip", "legacy", "protocol4"].flatMap((form) =>
      [...sentences].filter(([file]) => file.includes(form)),
    );
    for (const [file, sentence] of forms) {
      const sibling = sentences.get(file.replace(/(zip|legacy|protocol4)/, "zip"))!;
      expect(sentence).toBe(sibling.replace(/\.zip\.pt/, `.${file.split(".")[1]}.pt`));
    }
    expect(
      [...sentences].filter(([file]) => /zip|script/.test(file)).map(([, sentence]) => sentence),
    ).toMatchSnapshot();
    expect(existsSync(join(folder, "executed"))).toBe(false);
  });
});

describe.skipIf(!python)(`files for PyTorch and numpy${note}`, () => {
  it("writes every dtype that torch.load (also with weights_only) and numpy.load can read", async () => {
    const tensors = new Map<string, Tensor>([
      ["scalar", tensor("float32", [], [1.5])],
      ["empty", tensor("float64", [0, 3])],
      ["layer.wéight", tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6])],
    ]);
    const lacking = { torch: ["uint16", "uint32", "uint64"], npz: ["bfloat16"] };
    for (const format of ["torch", "npz"] as const) {
      const all = new Map(tensors);
      for (const dtype of dtypes) {
        if (!lacking[format].includes(dtype))
          all.set(dtype, tensor(dtype, [2, 2], [0, 1, 1, dtype === "bool" ? 0 : 77]));
      }
      const path = join(folder, `written.${format}`);
      await writeTensors(path, format, all);
      expect(JSON.parse(ask("read", path))[path]).toEqual([...describeAll(all)]);
    }
  });
});

describe("samples made by PyTorch", () => {
  it.each(["torch.zip.pt", "torch.legacy.pt"])("reads %s", async (file) => {
    const found = await readTensors(join(here, file));
    expect([...found.values()].map(({ dtype, shape, data }) => [dtype, shape, [...data].map(Number)])).toEqual([
      ["float32", [3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
      ["float32", [4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]],
      ["bfloat16", [2], [0x3f80, 0x3f80]],
      ["int64", [], [3]],
    ]);
    expect([...found.keys()]).toEqual(["a", "b", "c", "d"]);
  });
});

describe.skipIf(!hasShared)("checkpoints of real networks (needs ../shared)", () => {
  it("reads a public ResNet20 in the older form, without the module. of DataParallel", async () => {
    const checkpoint = await openCheckpoint(sharedPath("data/checkpoints/resnet20-12fca82f.th"));
    expect([checkpoint.format, storedName(checkpoint, "conv1.weight")]).toEqual(["torch", "module.conv1.weight"]);
    const sizes = [...checkpoint.tensors.values()].filter(({ name }) => !/running_|num_batches/.test(name));
    expect(sizes.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(269722);
    expect((await checkpoint.read("linear.weight")).shape).toEqual([10, 64]);
    await checkpoint.close();
  });

  it.each([
    ["fixtures/resnet18bn-w8/a_epoch_10.pt", 122],
    ["fixtures/gpt-2x32/b_step_600.pt", 16],
    ["fixtures/vgg11-w8/a_epoch_25.pt", 22],
    ["fixtures/gradients/resnet_bn.npz", 311],
  ])("reads %s and writes it in every format", async (file, count) => {
    const tensors = await readTensors(sharedPath(file));
    expect(tensors.size).toBe(count);
    for (const format of formats) {
      const path = join(folder, `copy.${format}`);
      await writeTensors(path, format, tensors);
      expect(plain(await readTensors(path))).toEqual(plain(tensors));
    }
  });
});
