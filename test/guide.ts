// The files that the guide's pages speak of: pairs of small networks as PyTorch and ONNX files and as Hugging Face
// folders, and samples for them.
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, type Tensor, tensor } from "../src/core/index.ts";
import { openData } from "../src/data/index.ts";
import { Graph, serialise } from "../src/graph/index.ts";
import { buildModel, dtypeOf, initialise, type Model } from "../src/models/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { cifarPickle } from "./cifar-pickle.ts";
import { tinyBert, writeModelFolder } from "./model-folder.ts";
import { randomTensor } from "./onnx-graphs.ts";
import { tinyClip, tinyProcessor, tinyResNet, writePhotos, writeVit } from "./vision-folders.ts";

/** Makes them in a new folder. */
export async function guideFolder(): Promise<string> {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const plain = buildModel("resnet18-nonorm", { width: 2 });
  const normed = buildModel("resnet20", { width: 2 });
  const rings = buildModel("mlp", { inputs: 2, hidden: 8, depth: 2, classes: 2 });
  for (const [i, end] of ["a", "b"].entries()) {
    await writeTensors(at(`${end}.pt`), "torch", initialise(plain, i + 1));
    await writeTensors(at(`bn-${end}.pt`), "torch", initialise(normed, i + 1));
    writeFileSync(at(`${end}.onnx`), onnxOf(plain, [20, 3, 16, 16], "image", i + 1));
    writeFileSync(at(`rings-${end}.onnx`), onnxOf(rings, [10, 2], "points", i + 1));
  }
  await writeModelFolder(at("model-a"), 1);
  await writeModelFolder(at("model-b"), 2);
  await writeModelFolder(at("classifier-a"), 1, undefined, tinyBert);
  await writeModelFolder(at("classifier-b"), 2, undefined, tinyBert);
  const pairs = ["sentence1\tsentence2\tlabel"];
  for (let i = 0; i < 12; i++) pairs.push(`Is it ${i}?\tIt is ${i % 3 ? i : i + 1}.\t${i % 3 ? "same" : "different"}`);
  writeFileSync(at("pairs.tsv"), `${pairs.join("\n")}\n`);
  const ids = tensor(
    "int64",
    [12, 8],
    Array.from({ length: 96 }, (_, i) => 32 + ((i * i) % 90)),
  );
  const tokens = new Map([
    ["input_ids", ids],
    [
      "labels",
      tensor(
        "int64",
        [12],
        Array.from({ length: 12 }, (_, i) => i % 2),
      ),
    ],
  ]);
  await writeTensors(at("tokens.npz"), "npz", tokens);
  await writeVision(at);
  mkdirSync(at("cifar-10-batches-py"));
  const labels10 = Array.from({ length: 20 }, (_, i) => i % 10);
  const test = cifarPickle(labels10, "labels", (i, k) => (i * 37 + k * 11) % 256);
  writeFileSync(join(at("cifar-10-batches-py"), "test_batch"), test);
  writeFileSync(at("text.txt"), "To be, or not to be, that is the question.\n".repeat(12));
  const [, recipe] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(projectRoot, "docs/hugging-face.md"), "utf8"))!;
  writeFileSync(at("tune.yaml"), recipe);
  copyFileSync(at("a.onnx"), at("graph.onnx"));
  cpSync(join(projectRoot, "docs/examples"), at("docs/examples"), { recursive: true });
  const data = await openData("cifar10-half", { samples: 40 });
  const { inputs, labels } = data.batch(Array.from({ length: 40 }, (_, i) => i));
  await writeTensors(
    at("batch.npz"),
    "npz",
    new Map<string, Tensor>([
      ["image", inputs.input],
      ["labels", labels],
    ]),
  );
  return folder;
}

/** Classifiers of images, and photos for them. */
async function writeVision(at: (name: string) => string): Promise<void> {
  for (const [i, end] of ["a", "b"].entries()) {
    await writeVit(at(`vit-${end}`), i + 1);
    await writeTensors(at(`resnet-${end}.pth`), "torch", tinyResNet(i + 1));
    await writeModelFolder(at(`clip-${end}`), i + 1, undefined, tinyClip);
    writeFileSync(join(at(`clip-${end}`), "preprocessor_config.json"), JSON.stringify(tinyProcessor));
  }
  await writeTensors(
    at("texts.safetensors"),
    "safetensors",
    new Map([
      ["text_embeds", randomTensor("texts", [3, 8])],
      ["logit_scale", tensor("float32", [], [2])],
    ]),
  );
  mkdirSync(at("photos"));
  writePhotos(at("photos"));
}

/** A network with fresh weights as an ONNX model of a fixed batch. */
function onnxOf(model: Model, shape: number[], input: string, seed: number): Uint8Array {
  const graph = new Graph();
  const parameters = new Map(model.parameters.map((p) => [p.name, p]));
  const logits = model.forward({ input: graph.input(input, "float32", shape) }, (name) =>
    graph.input(name, dtypeOf(parameters.get(name)!), parameters.get(name)!.shape),
  );
  return serialise({ logits }, initialise(model, seed));
}
