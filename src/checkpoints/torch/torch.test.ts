// What PyTorch itself would never write; files it does write are read in test/interop.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTensors, refusal, temporaryFolder, zipOf } from "../../../test/checkpoints.ts";
import { fromNumbers } from "../../core/index.ts";
import { openCheckpoint, rewriteCheckpoint, writeCheckpoint } from "../index.ts";

const folder = temporaryFolder();
const path = join(folder, "x.pt");

const text = (content: string) => `X${String.fromCharCode(content.length, 0, 0, 0)}${content}`;
const int = (n: number) => `J${String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255)}`;
const tuple = (...items: string[]) => `(${items.join("")}t`;
const ints = (...numbers: number[]) => tuple(...numbers.map(int));
const storage = (count: number, kind = "FloatStorage", key = "0", ...view: string[]) =>
  `${tuple(text("storage"), `ctorch\n${kind}\n`, text(key), text("cpu"), int(count), ...view)}Q`;
const rebuild = (from: string, offset: number, shape: string, strides: string) =>
  `ctorch._utils\n_rebuild_tensor_v2\n${tuple(from, int(offset), shape, strides, "\x89", "}")}R`;
const conjugated = (view: string) =>
  `ctorch._utils\n_rebuild_tensor_v2\n${tuple(storage(6), int(0), ints(6), ints(1), "\x89", "}", `}${text(view)}\x88s`)}R`;
const dict = (entries: Record<string, string>) =>
  `\x80\x02}(${Object.entries(entries)
    .map(([name, value]) => text(name) + value)
    .join("")}u.`;

const floats = (...numbers: number[]) => Buffer.from(Float32Array.from(numbers).buffer);
const six = floats(1, 2, 3, 4, 5, 6);

/** A file in the zip form: its pickle and its storage "0". */
const zipped = (entries: Record<string, string>, data: Buffer = six, more: Record<string, string> = {}) =>
  zipOf({ "x/data.pkl": Buffer.from(dict(entries), "latin1"), ...more, "x/data/0": data });

describe("the zip form", () => {
  it.each([
    ["extends beyond its storage", rebuild(storage(6), 1, ints(6), ints(1))],
    ["extends beyond its storage", rebuild(storage(6), 0, ints(2, 3), ints(4, 1))],
    ["extends beyond its storage", rebuild(storage(6), 7, ")", ")")],
    [
      'is truncated: the storage of the tensor "w" needs 28 bytes, but only 24 are present',
      rebuild(storage(7), 0, ints(6), ints(1)),
    ],
    ['the storage "9" is missing', rebuild(storage(6, "FloatStorage", "9"), 0, ints(6), ints(1))],
    ["has an invalid shape", rebuild(storage(6), 0, ints(2 ** 30, 2 ** 30), ints(0, 0))],
    ["claims 4194304 bytes, more than the whole file", rebuild(storage(6), 0, ints(1024, 1024), ints(0, 0))],
    ["calls torch._utils._rebuild_tensor_v2 with invalid arguments", rebuild(storage(6), 0, ints(-1), ints(1))],
    ["with invalid arguments", rebuild(storage(6), 0, ints(1), ints(-1))],
    ["with invalid arguments", rebuild(storage(6), 0, ints(1), ints(1, 1))],
    ["with invalid arguments", rebuild("N", 0, ints(1), ints(1))],
    ["with invalid arguments", rebuild(storage(48, "FloatStorage"), 0, text("ab"), text("ab"))],
    ["contains an invalid reference to a storage", rebuild(storage(-6), 0, ints(1), ints(1))],
    ["contains an invalid reference to a storage", "NQ"],
    ["contains an invalid reference to a storage", `${tuple(text("storage"), "N", text("0"), text("cpu"), int(1))}Q`],
    [
      'its pickle declares two lengths for the storage "0"',
      `${storage(6)}0${rebuild(storage(5), 0, ints(1), ints(1))}`,
    ],
    [
      'stores "w" as a tensor written by pickle.dump ("torch.storage._load_from_bytes")',
      "ctorch.storage\n_load_from_bytes\n",
    ],
    ['a dictionary with objects of classes "__builtin__.eval"', "c__builtin__\neval\n"],
    ['"evil\\n.module', "\x8c\x0cevil\n.module\x8c\x01x\x93"],
    ["a conjugated or negated view", conjugated("conj")],
    ["a conjugated or negated view", conjugated("neg")],
    ["a quantised, sparse or eight-bit float tensor", rebuild(storage(6, "QInt8Storage"), 0, ints(6), ints(1))],
    ["its pickle calls something that is not a function", "K\x01)R"],
    ["its pickle calls torch.FloatStorage with invalid arguments", "ctorch\nFloatStorage\n)R"],
  ])("refuses what %s", async (fault, w) => {
    expect(await refusal(path, await zipped({ w }))).toContain(fault);
  });

  it("bounds what many names for one storage come to", async () => {
    const w = rebuild(storage(6), 0, ints(512, 512), ints(0, 0)); // a megabyte of one number
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`w${i}`, w]));
    expect(await refusal(path, await zipped(many))).toContain("its tensors claim more than 100 times its size");
  });

  it("reads what a big-endian machine wrote", async () => {
    const w = rebuild(storage(6), 0, ints(2), ints(3));
    const found = await readTensors(path, await zipped({ w }, Buffer.from(six).swap32(), { "x/byteorder": "big" }));
    expect([...found.get("w")!.data]).toEqual([1, 4]);
    expect(await refusal(path, await zipped({ w }, six, { "x/byteorder": "pdp" }))).toContain(
      'its byte order "pdp" is unknown',
    );
  });

  it("reads uint16 to uint64, which PyTorch keeps in untyped storages", async () => {
    const untyped = storage(24, "FloatStorage").replace("ctorch\nFloatStorage", "ctorch.storage\nUntypedStorage");
    const w = `ctorch._utils\n_rebuild_tensor_v3\n${tuple(untyped, int(1), ints(2), ints(1), "\x89", "}", "ctorch\nuint16\n")}R`;
    const found = await readTensors(path, await zipped({ w }));
    expect([found.get("w")!.dtype, ...found.get("w")!.data]).toEqual(["uint16", 0x3f80, 0]);
  });

  it("passes over sets, counters and dictionaries with defaults, and calls nothing", async () => {
    const w = rebuild(storage(6), 0, ints(2), ints(1));
    const kinds = {
      set: `c__builtin__\nset\n${tuple(ints(1, 2))}R`,
      frozenset: `cbuiltins\nfrozenset\n${tuple(ints(1))}R`,
      milestones: `ccollections\nCounter\n${tuple(`}${int(30)}${int(1)}s`)}R`,
      history: `ccollections\ndefaultdict\n${tuple("c__builtin__\nlist\n")}R(${text("loss")}]u`,
    };
    expect([...(await readTensors(path, await zipped({ ...kinds, w }))).keys()]).toEqual(["w"]);
    const inside = `ccollections\ndefaultdict\n${tuple("cbuiltins\nint\n")}R(${text("w")}${w}u`;
    expect([...(await readTensors(path, await zipped({ state_dict: inside }))).keys()]).toEqual(["w"]);
  });

  it("reads complex numbers as pairs of floats", async () => {
    const w = rebuild(storage(3, "ComplexFloatStorage"), 1, ints(2), ints(1));
    const t = rebuild(storage(3, "ComplexFloatStorage"), 0, ints(1, 3), ints(1, 1));
    const found = await readTensors(path, await zipped({ w, t }));
    expect([...found].map(([, { dtype, shape, data }]) => [dtype, shape, [...data]])).toEqual([
      ["float32", [2, 2], [3, 4, 5, 6]],
      ["float32", [1, 3, 2], [1, 2, 3, 4, 5, 6]],
    ]);
    const [column] = (
      await readTensors(path, await zipped({ w: rebuild(storage(3, "ComplexFloatStorage"), 0, ints(2), ints(2)) }))
    ).values();
    expect([column.shape, [...column.data]]).toEqual([
      [2, 2],
      [1, 2, 5, 6],
    ]);
    const beyond = rebuild(storage(3, "ComplexFloatStorage"), 2, ints(2), ints(1));
    expect(await refusal(path, await zipped({ w: beyond }))).toContain("extends beyond its storage");
    writeFileSync(path, await zipped({ w, "v.x": rebuild(storage(3, "ComplexFloatStorage"), 0, ints(1), ints(1)) }));
    const file = await openCheckpoint(path);
    const copy = join(folder, "copy.pt");
    await writeCheckpoint(copy, "torch", file.tensors.values(), file.read);
    await file.close();
    const again = await openCheckpoint(copy);
    await again.close();
    expect(again.tensors).toEqual(file.tensors);
  });

  it("reads a subclass of a tensor, and refuses one of a kind that is not dense", async () => {
    const of = (type: string) =>
      `ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nc${type}\n(${storage(6)}${int(0)}${ints(2)}${ints(1)}\x89}t}tR`;
    expect([...(await readTensors(path, await zipped({ w: of("mine\nTagged") }))).get("w")!.data]).toEqual([1, 2]);
    expect(await refusal(path, await zipped({ w: of("torch.distributed.tensor\nDTensor") }))).toContain(
      "a shard of a distributed tensor",
    );
  });

  describe("new elements where one place holds several", () => {
    const view = (offset: number, shape: string, strides: string) => rebuild(storage(6), offset, shape, strides);
    /** The tensors of a copy with these in place of the file's. */
    async function replaced(entries: Record<string, string>, fresh: Record<string, number[]>) {
      writeFileSync(path, await zipped(entries));
      const file = await openCheckpoint(path);
      const copy = join(folder, "replaced.pt");
      const elements = async (name: string) =>
        fresh[name] && fromNumbers("float32", file.tensors.get(name)!.shape, Float32Array.from(fresh[name]));
      await rewriteCheckpoint(file, copy, new Set(file.tensors.keys()), elements).finally(() => file.close());
      return [...(await readTensors(copy))].map(([name, { data }]) => [name, ...data]);
    }
    const rows = view(0, ints(2, 3), ints(0, 1)); // one row, twice

    it("writes those that agree", async () => {
      expect(await replaced({ rows }, { rows: [7, 8, 9, 7, 8, 9] })).toEqual([["rows", 7, 8, 9, 7, 8, 9]]);
      const entries = { all: view(0, ints(6), ints(1)), turned: view(0, ints(2, 3), ints(1, 2)) };
      expect(await replaced(entries, { all: [6, 5, 4, 3, 2, 1], turned: [6, 4, 2, 5, 3, 1] })).toEqual([
        ["all", 6, 5, 4, 3, 2, 1],
        ["turned", 6, 4, 2, 5, 3, 1],
      ]);
    });

    it.each([
      ["an expanded tensor", "rows", { rows }, { rows: [7, 8, 9, 7, 8, 0] }],
      ["windows", "w", { w: view(0, ints(3, 2), ints(1, 1)) }, { w: [1, 2, 2, 3, 4, 5] }],
      [
        "a view of another tensor",
        "part",
        { all: view(0, ints(6), ints(1)), part: view(2, ints(2), ints(1)) },
        { all: [6, 5, 4, 3, 2, 1], part: [4, 0] },
      ],
      [
        "the same elements in another shape",
        "flat",
        { w: view(0, ints(2, 3), ints(3, 1)), flat: view(0, ints(6), ints(1)) },
        { w: [6, 5, 4, 3, 2, 1], flat: [6, 5, 4, 3, 2, 0] },
      ],
      [
        "a tensor that is to stay",
        "part",
        { all: view(0, ints(6), ints(1)), part: view(2, ints(2), ints(1)) },
        { all: [6, 5, 4, 3, 2, 1] },
      ],
    ])("refuses those that differ: %s", async (_, name, entries, fresh) => {
      await expect(replaced(entries, fresh as Record<string, number[]>)).rejects.toThrow(
        `x.pt stores several elements of "${name}" in one place (as torch.expand and views do), but their new values differ. In Python, save tensor.contiguous().clone() in place of each tensor, and give that file.`,
      );
    });
  });

  it("refuses a pickle that does not end", async () => {
    const bytes = await zipOf({ "x/data.pkl": Buffer.from("\x80\x02}", "latin1") });
    expect(await refusal(path, bytes)).toContain("is truncated: its pickle");
  });

  it("is not led in circles by dictionaries that hold themselves", async () => {
    const circle = "}q\x00(X\x05\x00\x00\x00modelh\x00X\x01\x00\x00\x00ah\x00u";
    expect(await refusal(path, await zipOf({ "data.pkl": Buffer.from(`\x80\x02${circle}.`, "latin1") }))).toContain(
      'contains a dictionary with the keys "model", "a"',
    );
  });
});

describe("the older form", () => {
  const count = (n: number) => Buffer.from(BigInt64Array.of(BigInt(n)).buffer);
  const head = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
  const older = (entries: Record<string, string>, keys: string, ...rest: Buffer[]) =>
    Buffer.concat([Buffer.from(`${head}${dict(entries)}\x80\x02](${keys}e.`, "latin1"), ...rest]);
  const w = rebuild(storage(6), 0, ints(6), ints(1));

  it("reads views into a storage", async () => {
    const view = storage(6, "FloatStorage", "0", tuple(text("view"), int(2), int(3)));
    const entries = { w, part: rebuild(view, 1, ints(2), ints(1)) };
    const found = await readTensors(path, older(entries, text("0"), count(6), six));
    expect([...found.get("part")!.data]).toEqual([4, 5]);
    const beyond = { part: rebuild(view, 2, ints(2), ints(1)) };
    expect(await refusal(path, older(beyond, text("0"), count(6), six))).toContain("extends beyond its storage");
  });

  it("reads a pickle longer than the first megabyte", async () => {
    const many = Object.fromEntries(Array.from({ length: 12000 }, (_, i) => [`layer${i}`, w]));
    const found = await readTensors(path, older(many, text("0"), count(6), six));
    expect(found.size).toBe(12000);
  });

  it.each([
    ["is truncated: its header needs", older({ w }, text("0"), count(6), six.subarray(0, 20))],
    ["is truncated: its header needs", older({ w }, text("0"), Buffer.alloc(3))],
    ['its storage "0" has 7 elements, but its pickle declares 6', older({ w }, text("0"), count(7), six)],
    ['its storage "0" has 18446744073709552000 elements', older({ w }, text("0"), count(-1), six)],
    ["it lists a storage that no tensor uses", older({ w }, text("1"), count(6), six)],
    ["it lists a storage that no tensor uses", older({ w }, "N", count(6), six)],
    ['the storage "0" is missing', older({ w }, "")],
    ["it has no list of storages", Buffer.from(`${head}${dict({ w })}N.`, "latin1")],
    ["its protocol is not 1001", Buffer.from(head.replace("M\xe9\x03", "K\x01"), "latin1")],
    ["is truncated: its pickle", Buffer.from(head, "latin1")],
  ])("refuses: %s", async (fault, bytes) => {
    expect(await refusal(path, bytes)).toContain(fault);
  });
});
