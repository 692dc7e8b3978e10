// Image classifiers in folders and files made here: results, notes and refusals.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { type Tensor, tensor } from "../src/core/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { isStateDict, readModelFolder } from "../src/hub/index.ts";
import { temporaryFolder, writeNew, writeTensors } from "./checkpoints.ts";
import { randomTensor } from "./onnx-graphs.ts";
import { tinyProcessor, tinyResNet, tinyVit, writePhotos, writeVit } from "./vision-folders.ts";

type Request = Parameters<typeof measure>[0];

/** Images as arrays, with labels. */
const arrays = (size: number, labels: readonly number[]): Promise<string> =>
  writeNew(
    {
      pixel_values: randomTensor("pixels", [labels.length, 3, size, size]),
      labels: tensor("int64", [labels.length], [...labels].map(BigInt)),
    },
    "npz",
  );

async function measured(a: string, b: string, data: string, more: Partial<Request> = {}) {
  const request = { a, b, model: {}, data: { name: data }, scans: ["single", "full"], ...more } as Request;
  return (await measure(request)).document;
}

/** Two folders of the tiny ViT; the second may have another config. */
async function twoVits(config?: JsonObject): Promise<[string, string]> {
  const folder = temporaryFolder();
  return [await writeVit(join(folder, "a"), 1), await writeVit(join(folder, "b"), 2, config)];
}

/** Two files of the tiny ResNet. */
async function twoResNets(options: Parameters<typeof tinyResNet>[1] = {}): Promise<[string, string]> {
  const folder = temporaryFolder();
  const paths: [string, string] = [join(folder, "a.safetensors"), join(folder, "b.safetensors")];
  for (const [i, path] of paths.entries()) await writeTensors(path, "safetensors", tinyResNet(i + 1, options));
  return paths;
}

/** Two images of 8 x 8 pixels, with labels. */
function writeImages(): { folder: string; bytes: Uint8Array } {
  const folder = temporaryFolder();
  return { folder, bytes: writePhotos(folder) };
}

describe("folders of image classifiers", () => {
  it("have their numbered blocks as layers, with old and new names", async () => {
    const [a, b] = await twoVits();
    const renamed = await writeVit(join(temporaryFolder(), "b"), 2, tinyVit, (name) =>
      name
        .replace("encoder.layer.", "layers.")
        .replace("attention.attention.query", "attention.q_proj")
        .replace("attention.attention.key", "attention.k_proj")
        .replace("attention.attention.value", "attention.v_proj")
        .replace("attention.output.dense", "attention.o_proj")
        .replace(/intermediate\.dense/, "mlp.fc1")
        .replace(/(\d)\.output\.dense/, "$1.mlp.fc2"),
    );
    const data = `npz:${await arrays(8, [0, 1, 2])}`;
    const [one, other] = [await measured(a, b, data), await measured(a, renamed, data)];
    expect(one.layers.map(({ name }) => name)).toEqual([
      "vit.embeddings",
      "vit.embeddings.patch_embeddings.projection",
      "vit.encoder.layer.0",
      "vit.encoder.layer.1",
      "vit.layernorm",
      "classifier",
    ]);
    expect(other.cells).toEqual(one.cells);
  });

  it("read images with their processor's settings", async () => {
    const [a, b] = await twoVits();
    const { folder, bytes } = writeImages();
    const pixels = new Float32Array(bytes.length); // [n, c, h, w], between -1 and 1
    for (let i = 0; i < bytes.length; i++) {
      const [n, at, c] = [Math.floor(i / 192), Math.floor(i / 3) % 64, i % 3];
      pixels[n * 192 + c * 64 + at] = (Math.fround(bytes[i] * Math.fround(1 / 255)) - 0.5) / 0.5;
    }
    const values: Tensor = { dtype: "float32", shape: [2, 3, 8, 8], data: pixels };
    const path = await writeNew({ pixel_values: values, labels: tensor("int64", [2], [2n, 0n]) }, "npz");
    const [fromFiles, fromArrays] = [await measured(a, b, folder), await measured(a, b, `npz:${path}`)];
    expect(fromFiles.ends.a.loss).toBeCloseTo(fromArrays.ends.a.loss!, 5);
    expect(fromFiles.data.samples).toBe(2);
  });

  it("keep heads of different sizes, and accept samples of the common classes", async () => {
    const [a, b] = await twoVits({ ...tinyVit, id2label: { 0: "cat", 1: "dog" } });
    const { layers, notes } = await measured(a, b, `npz:${await arrays(8, [0, 1])}`);
    expect(layers.map(({ name }) => name)).not.toContain("classifier");
    expect(notes?.join()).toContain("each end keeps its own head (classifier.weight, classifier.bias)");
    await expect(measured(a, b, `npz:${await arrays(8, [0, 2])}`)).rejects.toThrow(
      "has the label 2, but one of the two ends has only 2 classes",
    );
  });

  it("give an average of every layer the head of its base", async () => {
    const [a, b] = await twoVits({ ...tinyVit, id2label: { 0: "cat", 1: "dog" } });
    const data = `npz:${await arrays(8, [0, 1])}`;
    const lossOf = async (one: string, other: string, base: "a" | "b" | "both") =>
      (await measured(one, other, data, { base, scans: ["full"] })).cells[0].loss!.value!;
    const [withA, withB] = [await lossOf(a, b, "a"), await lossOf(a, b, "b")];
    expect(withA).not.toBeCloseTo(withB, 3);
    expect(await lossOf(b, a, "a")).toBeCloseTo(withB, 5);
    expect(await lossOf(a, b, "both")).toBe(withA);
  });

  it("are refused if their labels, images or sizes do not fit", async () => {
    const [a, b] = await twoVits({ ...tinyVit, id2label: { 0: "dog", 1: "cat", 2: "ship" } });
    const data = `npz:${await arrays(8, [0, 1, 2])}`;
    await expect(measured(a, b, data)).rejects.toThrow("label 0 is cat and dog");
    const [c, d] = await twoVits({ ...tinyVit, layer_norm_eps: 1e-6 });
    await expect(measured(c, d, data)).rejects.toThrow("epsilon is 1e-12 and 0.000001");
    const [e, f] = await twoVits();
    await expect(measured(e, f, `npz:${await arrays(12, [0])}`)).rejects.toThrow("cannot read a sample");
    const { folder } = writeImages();
    await expect(measured(e, f, "", { data: { name: folder, mean: [0, 0, 0] } })).rejects.toThrow(
      "has its own image settings",
    );
    writeFileSync(join(f, "preprocessor_config.json"), JSON.stringify({ ...tinyProcessor, resample: 3 }));
    await expect(measured(e, f, folder)).rejects.toThrow("prepare images differently");
    rmSync(join(f, "preprocessor_config.json"));
    await expect(measured(e, f, folder)).rejects.toThrow("has no preprocessor_config.json");
    await expect(measured(e, f, data, { model: { head: "x.safetensors" } })).rejects.toThrow("--head is for CLIP");
  });

  it("are refused if the data is not images", async () => {
    const [a, b] = await twoVits();
    const { folder } = writeImages();
    await expect(measured(a, b, "", { data: { name: folder, context: 5 } })).rejects.toThrow(
      "--context does not apply",
    );
    await expect(measured(a, b, "cifar10-half")).rejects.toThrow("is prepared for the built-in networks");
    await expect(measured(a, b, join(folder, "nowhere"))).rejects.toThrow(
      "does not exist. Check the path of the images",
    );
    const text = join(folder, "text.tsv");
    writeFileSync(text, "sentence\tlabel\nOne.\t1\n");
    await expect(measured(a, b, text)).rejects.toThrow("text.tsv contains no supported images");
  });

  it("of timm are refused if the architecture or an argument is not supported", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "t"));
    const write = (config: JsonObject) => writeFileSync(join(folder, "t/config.json"), JSON.stringify(config));
    const own = { architecture: "resnet50_gn", num_classes: 3, pretrained_cfg: {} };
    write(own);
    await expect(readModelFolder(join(folder, "t"))).rejects.toThrow(
      "the timm architecture resnet50_gn is not supported",
    );
    write({ ...own, architecture: "resnet50", model_args: { aa_layer: "avg" } });
    await expect(readModelFolder(join(folder, "t"))).rejects.toThrow("model_args.aa_layer is an argument that");
    write({ ...own, architecture: "vit_tiny_patch16_224.augreg", model_args: { qk_norm: true } });
    await expect(readModelFolder(join(folder, "t"))).rejects.toThrow("model_args.qk_norm is true, which layerwise");
    write({ ...own, architecture: "resnet50", model_args: { drop_rate: 0.1, aa_layer: null } });
    const { network } = await readModelFolder(join(folder, "t"));
    expect(network.parameters.find(({ name }) => name === "fc.weight")!.shape).toEqual([3, 2048]);
  });
});

describe("torchvision weight files", () => {
  it("are recognised, with or without counters, and their statistics averaged or recalibrated", async () => {
    const [a, b] = await twoResNets();
    const [older] = await twoResNets({ hasCounters: false });
    expect(await isStateDict(a)).toBe(true);
    const data = `npz:${await arrays(32, [0, 1, 2, 1])}`;
    const one = await measured(a, b, data);
    expect(one.model).toMatchObject({ name: "resnet18", architecture: "resnet18" });
    expect(one.layers).toHaveLength(2 + 8 + 1);
    expect(one.notes?.join()).toContain("Running statistics of normalisation layers were averaged");
    const other = await measured(older, b, data, { model: { name: "torchvision:resnet18" } });
    expect(other.ends).toEqual(one.ends);
    expect(other.cells).toEqual(one.cells);
    const recalibrated = await measured(a, b, data, { statistics: "recalibrate", batch: 4 });
    expect(recalibrated.notes?.join()).toContain("recomputed on the samples");
    const full = ({ cells }: typeof one) => cells.find(({ scan }) => scan === "full")!.loss!.value!;
    expect(full(recalibrated)).not.toBeCloseTo(full(one), 3);
  });

  it("are recognised under a trainer's prefix, and with a key among other tensors", async () => {
    const folder = temporaryFolder();
    const write = async (name: string, front: string, more: Record<string, Tensor> = {}) => {
      const paths = ["a", "b"].map((end) => join(folder, `${name}-${end}.safetensors`));
      for (const [i, path] of paths.entries()) {
        const own = [...tinyResNet(i + 1)].map(([key, one]) => [front + key, one] as const);
        await writeTensors(path, "safetensors", new Map([...own, ...Object.entries(more)]));
      }
      return paths as [string, string];
    };
    const data = `npz:${await arrays(32, [0, 1])}`;
    const { ends } = await measured(...(await twoResNets()), data);
    for (const front of ["net.", "backbone.", "model.network."])
      expect((await measured(...(await write("in", front)), data)).ends).toEqual({
        a: expect.anything(),
        b: expect.anything(),
      });
    const beside = await write("beside", "net.", { "criterion.weight": tensor("float32", [3]) });
    await expect(measured(...beside, data)).rejects.toThrow("criterion.weight. Select the network with --key a=net.");
    const own = await write("own", "student.", { "criterion.weight": tensor("float32", [3]) });
    expect(await isStateDict(own[0])).toBe(true);
    const refused = `${own[0]} contains a torchvision network under "student", not at the top level. Select it with --key a=student.`;
    for (const model of [{}, { name: "torchvision:resnet18" }])
      await expect(measured(...own, data, { model })).rejects.toThrow(refused);
    for (const [paths, key] of [
      [beside, "net"],
      [own, "student"],
    ] as const) {
      expect(await isStateDict(paths[0], { key })).toBe(true);
      const found = await measured(...paths, data, { keys: { a: key, b: key } });
      expect([found.ends.a.loss, found.ends.b.loss]).toEqual([ends.a.loss, ends.b.loss]);
    }
  });

  it("note that images are prepared as in torchvision", async () => {
    const [a, b] = await twoResNets();
    const { notes, data } = await measured(a, b, "", { data: { name: writeImages().folder, size: 16 } });
    expect(notes?.join()).toContain(
      "resized to 16 pixels, and the central 16x16 are normalised by ImageNet's mean and standard deviation",
    );
    expect(data.samples).toBe(2);
  });

  it("are refused under another network's name, and if they are not a torchvision network", async () => {
    const [a, b] = await twoResNets();
    const data = `npz:${await arrays(32, [0])}`;
    await expect(measured(a, b, data, { model: { name: "torchvision:resnet50" } })).rejects.toThrow(
      "contains resnet18, not resnet50. Use --model torchvision:resnet18.",
    );
    await expect(measured(a, b, data, { model: { name: "torchvision:resnet81" } })).rejects.toThrow(
      "torchvision's resnet81 is not supported; did you mean resnet",
    );
    const [c, d] = await twoResNets({ kernel: 3 }); // a stem for small images, which torchvision does not have
    expect(await isStateDict(c)).toBe(false);
    await expect(measured(c, d, data, { model: { name: "torchvision:resnet18" } })).rejects.toThrow(
      "does not contain a supported torchvision network",
    );
  });
});
