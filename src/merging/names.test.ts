// Ends whose names differ: the merged file is a's under a's own names, and everything that is not averaged is a's.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { oneLayer, storedNumbers, temporaryFolder, writeTensors, zipOf } from "../../test/checkpoints.ts";
import { openCheckpoint } from "../checkpoints/index.ts";
import { tensor } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { type MergeOptions, merge } from "./merge.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

it.each(["safetensors", "torch", "npz"] as const)(
  "merges %s files under a's names, whatever b's are",
  async (format) => {
    const [a, b, out] = ["a", "b", "out"].map((name) =>
      at(`${name}-${format}.${{ safetensors: "safetensors", torch: "pt", npz: "npz" }[format]}`),
    );
    const counter = { "model._orig_mod.fc.num_batches_tracked": tensor("int64", [], [7]) };
    await writeTensors(
      a,
      format,
      oneLayer(1, "model._orig_mod.", { ...counter, "criterion.weight": tensor("float32", [2], [5, 6]) }),
    );
    await writeTensors(b, format, oneLayer(3, "", { total_ops: tensor("float64", [1], [9]) }));
    const record = await merge({ a, b, out });
    expect(Object.keys(record.averaged)).toEqual(["fc"]);
    expect(await storedNumbers(out)).toEqual({
      "model._orig_mod.fc.weight": [2, 2, 2, 2],
      "model._orig_mod.fc.bias": [2, -2],
      "model._orig_mod.fc.num_batches_tracked": [7],
      "criterion.weight": [5, 6],
    });
    expect(record.notes).toEqual([
      `The names in ${a} start with "model.", but those in ${b} do not. Outside it, left unchanged: criterion.weight.`,
      `Only in ${a}, left unchanged: model.fc.num_batches_tracked (counters, masks or single numbers).`,
      `Only in ${b}, left unchanged: total_ops (counters, masks or single numbers).`,
    ]);
    // the other way round it is b's names
    await merge({ a: b, b: a, out, base: "b", layers: ["fc=0.25"] });
    expect(await storedNumbers(out)).toEqual({
      "fc.weight": [2.5, 2.5, 2.5, 2.5],
      "fc.bias": [2.5, -2.5],
      total_ops: [9],
    });
  },
);

it("merges a sharded end under its own names, with what is not averaged", async () => {
  await writeTensors(at("s1"), "safetensors", oneLayer(1, "model.", { "model.n": tensor("int64", [1], [4]) }));
  writeFileSync(
    at("s.index.json"),
    JSON.stringify({ weight_map: { "model.fc.weight": "s1", "model.fc.bias": "s1", "model.n": "s1" } }),
  );
  await writeTensors(at("bare.safetensors"), "safetensors", oneLayer(3));
  const out = at("sharded.safetensors");
  await merge({ a: at("s.index.json"), b: at("bare.safetensors"), out });
  expect(await storedNumbers(out)).toEqual({
    "model.fc.weight": [2, 2, 2, 2],
    "model.fc.bias": [2, -2],
    "model.n": [4],
  });
});

it("keeps a counter of another shape as the base has it", async () => {
  const of = (value: number, shape: number[]) => oneLayer(value, "", { "bn.n": tensor("int64", shape, [value]) });
  await writeTensors(at("c.pt"), "torch", of(1, []));
  await writeTensors(at("d.pt"), "torch", of(3, [1]));
  for (const [base, expected] of [
    ["a", 1],
    ["b", 3],
  ] as const) {
    await merge({ a: at("c.pt"), b: at("d.pt"), out: at("cd.pt"), base });
    expect((await storedNumbers(at("cd.pt")))["bn.n"]).toEqual([expected]);
  }
});

/**
 * A .pt of dictionaries of one tensor each, of two elements, or of these tensors alone; the same array is the same
 * storage.
 */
async function writeDictionaries(
  path: string,
  values: Record<string, readonly [number, number]>,
  areTensors = false,
): Promise<void> {
  const text = (content: string) => `X${String.fromCharCode(content.length, 0, 0, 0)}${content}`;
  const storages = [...new Set(Object.values(values))];
  const dictionaries = Object.entries(values).map(([key, pair]) => {
    const storage = `(${text("storage")}ctorch\nFloatStorage\n${text(`${storages.indexOf(pair)}`)}${text("cpu")}K\x02tQ`;
    const rebuilt = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x00K\x02\x85K\x01\x85\x89}tR`;
    return `${text(key)}${areTensors ? rebuilt : `}${text("w")}${rebuilt}s`}`;
  });
  const members = Object.fromEntries(
    storages.map((pair, i) => [`x/data/${i}`, new Uint8Array(Float32Array.from(pair).buffer)]),
  );
  const pickle = Buffer.from(`\x80\x02}(${dictionaries.join("")}u.`, "latin1");
  writeFileSync(path, await zipOf({ "x/data.pkl": pickle, ...members }));
}

it("takes the dictionary that a key names, of each end its own, and says what is still a's", async () => {
  const [a, b, out, single] = ["gan-a.pt", "gan-b.pt", "gan.pt", "single.pt"].map(at);
  await writeDictionaries(single, { g: [1, 1] });
  await writeDictionaries(a, { g: [1, 1], d: [10, 10], g_ema: [2, 2] });
  await writeDictionaries(b, { g: [3, 3], d: [30, 30], g_ema: [6, 6] });
  await expect(merge({ a, b, out })).rejects.toThrow('in several places ("g", "d", "g_ema")');
  for (const [file, x, y, init] of [
    ["a", a, single],
    ["b", single, a],
    ["init", single, single, a],
  ])
    await expect(compareFiles(x, y, { init })).rejects.toThrow(`Choose one with --key ${file}=NAME,`);
  await expect(merge({ a, b, out, keys: { a: "g", b: "x" } })).rejects.toThrow(
    `${b} has no dictionary "x", and no tensor names that start with it. It contains "g", "d", "g_ema". Choose one of these with --key b=NAME, or set it for the other file only with --key a=x.`,
  );
  const record = await merge({ a, b, out, keys: { a: "g_ema", b: "g_ema" } });
  const values = async (key: string) => {
    const file = await openCheckpoint(out, { key });
    return [...(await file.read("w").finally(() => file.close())).data];
  };
  expect([await values("g"), await values("d"), await values("g_ema")]).toEqual([
    [1, 1],
    [10, 10],
    [4, 4],
  ]);
  expect(record.notes).toContain(`${out}: "g", "d" are unchanged from a, with the same names as the network.`);
  const { distance } = await compareFiles(a, b, { keys: { a: "g", b: "g_ema" } });
  expect(distance.full.euclidean).toBeCloseTo(Math.sqrt(50));
});

it("names what a merge changes outside the chosen state dict, because a's file shares it", async () => {
  const [a, b, out] = ["shared-a.pt", "shared-b.pt", "shared.pt"].map(at);
  const [own, other] = [
    [1, 1],
    [3, 3],
  ] as const;
  await writeDictionaries(a, { teacher: own, student: own, g_ema: [2, 2] });
  await writeDictionaries(b, { teacher: other, student: other, g_ema: [6, 6] });
  const merging = (options: Partial<MergeOptions>) => merge({ a, b, out, ...options });
  const note = `student.w in ${a} shares its elements with merged tensors, so the merge changes it too.`;
  const keys = { a: "teacher", b: "teacher" };
  const { notes } = await merging({ keys });
  expect(notes).toContain(note);
  expect(notes).toContain(`${out}: "g_ema" is unchanged from a, and loaders that prefer a moving average read it.`);
  expect((await merging({ keys, alpha: 0 })).notes).not.toContain(note);
  expect((await merging({ keys: { a: "g_ema", b: "g_ema" } })).notes?.join()).not.toContain("shares its elements");
  // under a key that is a prefix of names
  await writeDictionaries(a, { "teacher.w": own, "student.w": own }, true);
  await writeDictionaries(b, { "teacher.w": other, "student.w": other }, true);
  expect((await merging({ keys })).notes).toContain(note);
});

it("reads tensors of a TPU, and refuses to write them", async () => {
  const array =
    "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01(K\x02tcnumpy\ndtype\n(U\x02f4\x89\x88tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x08\0\0\x80?\0\0\0@tb";
  for (const name of ["_rebuild_device_tensor_from_numpy", "_rebuild_xla_tensor"]) {
    const tpu = `ctorch._utils\n${name}\n(${array}ctorch\nfloat32\nX\x05\x00\x00\x00xla:1\x89tR`;
    writeFileSync(
      at("tpu.pt"),
      await zipOf({ "x/data.pkl": Buffer.from(`\x80\x03}X\x01\x00\x00\x00w${tpu}s.`, "latin1") }),
    );
    expect(await storedNumbers(at("tpu.pt"))).toEqual({ w: [1, 2] });
    const paths = { a: at("tpu.pt"), b: at("tpu.pt") };
    await expect(merge({ ...paths, out: at("m.pt") })).rejects.toThrow("In Python, move the model to the CPU");
  }
});

it("refuses to write what is only read, and a folder, before any work", async () => {
  const array =
    "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01(K\x02tcnumpy\ndtype\n(U\x02f4\x89\x88tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x08\0\0\x80?\0\0\0@tb";
  writeFileSync(at("arrays.pkl"), Buffer.from(`\x80\x03}X\x01\x00\x00\x00w${array}s.`, "latin1"));
  expect(await storedNumbers(at("arrays.pkl"))).toEqual({ w: [1, 2] });
  const paths = { a: at("arrays.pkl"), b: at("arrays.pkl") };
  await expect(merge({ ...paths, out: at("m.npz") })).rejects.toThrow(
    "a pickle of NumPy arrays, which layerwise reads",
  );
  const bare = at("e.pt");
  await writeTensors(bare, "torch", oneLayer(1));
  const before = readFileSync(bare);
  await expect(merge({ a: bare, b: bare, out: `${at("new")}/` })).rejects.toThrow(
    `names a folder. Give --out the name of a file, such as ${at("new")}/merged.pt.`,
  );
  expect(readFileSync(bare).equals(before)).toBe(true);
});

it("refuses ends without a weight: integers with objects, or alone", async () => {
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".padEnd(117);
  const objects = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(`${header}\n\x80\x04.`, "latin1"),
  ]);
  const npz = at("objects.npz");
  const numbers = at("numbers.npz");
  await writeTensors(numbers, "npz", new Map([["shape", tensor("int64", [2], [3, 4])]]));
  const shape = Buffer.from(readFileSync(numbers)).indexOf("\x93NUMPY", "latin1");
  expect(shape).toBeGreaterThan(0);
  const array = readFileSync(numbers).subarray(shape, shape + 128 + 16);
  writeFileSync(npz, await zipOf({ "weights.npy": objects, "shape.npy": array }));
  const fault = `${npz} contains no weights, only objects or strings ("weights") and integers ("shape"). Save each weight array under its name with numpy.savez("weights.npz", **weights).`;
  await expect(compareFiles(npz, npz)).rejects.toThrow(fault);
  await expect(merge({ a: npz, b: npz, out: at("none.npz") })).rejects.toThrow(fault);
  await expect(compareFiles(numbers, numbers)).rejects.toThrow(
    `${numbers} contains no weights, only integers: "shape". Give a checkpoint with weights.`,
  );
});

it("leaves the state of an optimiser as it is in a's file", async () => {
  const [a, b, out] = ["optax-a.npz", "optax-b.npz", "optax.npz"].map(at);
  const all = (x: number) => new Map([...oneLayer(x, "params/"), ...oneLayer(x, "opt/mu/"), ...oneLayer(x, "opt/nu/")]);
  await writeTensors(a, "npz", all(1));
  await writeTensors(b, "npz", all(3));
  const record = await merge({ a, b, out });
  expect(Object.keys(record.averaged)).toEqual(["params/fc"]);
  expect(record.notes?.[0]).toContain(`${a} also contains an optimiser's state, left unchanged`);
  expect(await storedNumbers(out)).toMatchObject({
    "params/fc.bias": [2, -2],
    "opt/mu/fc.bias": [1, -1],
    "opt/nu/fc.bias": [1, -1],
  });
});

it("refuses ends whose tensors are all empty", async () => {
  await writeTensors(at("empty.safetensors"), "safetensors", new Map([["w", tensor("float32", [0])]]));
  await expect(compareFiles(at("empty.safetensors"), at("empty.safetensors"))).rejects.toThrow(
    "are empty, because the weights were sharded when the file was saved.",
  );
});

it("needs equal shapes only of what is averaged, where --layers says what that is", async () => {
  const scene = (images: number, value: number) =>
    oneLayer(value, "module.field.", {
      "module.camera.pose": tensor("float32", [images, 2], Array(2 * images).fill(value)),
      "module.field.embedding": tensor("float32", [images], Array(images).fill(value)),
    });
  const [a, b] = [at("scene-a.safetensors"), at("scene-b.safetensors")];
  await writeTensors(a, "safetensors", scene(2, 1));
  await writeTensors(b, "safetensors", scene(3, 3));
  const out = at("scene.safetensors");
  await expect(merge({ a, b, out })).rejects.toThrow("The shapes in");
  const { notes, averaged } = await merge({ a, b, out, layers: ["field.fc=0.25"] });
  expect(averaged).toEqual({ "field.fc": 0.25 });
  expect(notes).toEqual([`Different shapes in ${a} and ${b}, left unchanged: camera.pose, field.embedding.`]);
  expect(await storedNumbers(out)).toEqual({
    "module.field.fc.weight": [1.5, 1.5, 1.5, 1.5],
    "module.field.fc.bias": [1.5, -1.5],
    "module.camera.pose": [1, 1, 1, 1],
    "module.field.embedding": [1, 1],
  });
  for (const layers of [["field.**", "camera"], ["**"], ["camera"]])
    await expect(merge({ a, b, out, layers })).rejects.toThrow("The shapes in");
  // of b there is no place for what is b's
  await expect(merge({ a, b, out, layers: ["field.fc"], base: "b" })).rejects.toThrow("The shapes in");
});

it("needs equal names only of what is averaged, where --layers says what that is", async () => {
  const [a, b] = [at("noise-a.safetensors"), at("noise-b.safetensors")];
  const out = at("noise.safetensors");
  const own = (name: string, value: number) => ({ [name]: tensor("float32", [2], [value, value]) });
  await writeTensors(a, "safetensors", oneLayer(1, "module.net.", own("module.noise.first", 5)));
  await writeTensors(b, "safetensors", oneLayer(3, "net.", own("noise.second", 7)));
  const refused = `Only in ${a}: noise.first. Only in ${b}: noise.second. Give two checkpoints of one architecture.`;
  const { notes, averaged } = await merge({ a, b, out, layers: ["net.fc"] });
  expect(averaged).toEqual({ "net.fc": 0.5 });
  expect(notes).toEqual([
    `Only in ${a}, and not averaged: noise.first.`,
    `Only in ${b}, and not averaged: noise.second.`,
  ]);
  expect(await storedNumbers(out)).toEqual({
    "module.net.fc.weight": [2, 2, 2, 2],
    "module.net.fc.bias": [2, -2],
    "module.noise.first": [5, 5],
  });
  for (const layers of [["net.fc", "noise"], ["**"], ["noise"]])
    await expect(merge({ a, b, out, layers })).rejects.toThrow(refused);
  await expect(merge({ a, b, out })).rejects.toThrow(
    `${refused} To average only layers that both have, use merge --layers with base a.`,
  );
  await expect(merge({ a, b, out, layers: ["net.fc"], base: "b" })).rejects.toThrow(refused);
});

it("reports layers that neither the file nor its names without levels have, rather than different networks", async () => {
  const [a, b, out] = ["levels-a.npz", "levels-b.npz", "levels.npz"].map(at);
  const other = (n: number) => ({ [`head.${n}`]: tensor("float32", [n], new Array(n).fill(1)) });
  await writeTensors(a, "npz", oneLayer(1, "model.decoder.", other(2)));
  await writeTensors(b, "npz", oneLayer(3, "model.decoder.", other(3)));
  for (const layers of [["nosuch"], ["decoder.**"]])
    await expect(merge({ a, b, out, layers })).rejects.toThrow(
      `No layer matches ${layers[0]}. The layers are model.decoder.fc`,
    );
  expect(Object.keys((await merge({ a, b, out, layers: ["model.decoder.**"] })).averaged)).toEqual([
    "model.decoder.fc",
  ]);
});

it("gives the common names of layers that were given with the prefix of a's file", async () => {
  const [a, b, out] = ["prefix-a.npz", "prefix-b.npz", "prefix.npz"].map(at);
  await writeTensors(a, "npz", oneLayer(1, "vit.", { "head.weight": tensor("float32", [2, 2], [1, 2, 3, 4]) }));
  await writeTensors(b, "npz", oneLayer(3, "", { "norm.weight": tensor("float32", [2, 2], [1, 2, 3, 4]) }));
  await expect(merge({ a, b, out, layers: ["vit.fc"] })).rejects.toThrow("No layer matches vit.fc. The layers are fc.");
  expect(Object.keys((await merge({ a, b, out, layers: ["fc"] })).averaged)).toEqual(["fc"]);
});
