// The options that measure and merge share: the network, the data, and the runtime.
import type { Command } from "@commander-js/extra-typings";
import type { MeasureOptions } from "../../connectivity/index.ts";
import { bytes, device, deviceHelp, integer, keyHelp, keys, numbers, oneOf, sizesOf } from "./values.ts";

export const dataHelp =
  "cifar10, cifar10-half, cifar100, shakespeare, npz:FILE, MODULE.mjs, or a folder of CIFAR's Python files; for Hugging Face folders: a text (.txt, .jsonl, .parquet), labelled texts (also .tsv, .csv), images, or a folder of splits";

/** Adds the options to a command that has none yet. */
export const withSubject = <Arguments extends unknown[]>(command: Command<Arguments>) =>
  command
    .option(
      "--model <name>",
      "built-in network, torchvision:NAME, FILE.onnx, MODULE.mjs, or the Hugging Face folder of two checkpoints; not needed for two .onnx files or two folders",
    )
    .option("--width <n>", "channels of the first stage; default: from the checkpoint", integer(1))
    .option("--hidden <n>", "width of hidden layers; default: from the checkpoint", integer(1))
    .option(
      "--context <n>",
      "characters per sample of text, or largest number of tokens; default: from the checkpoint, for folders at most 512",
      integer(1),
    )
    .option("--heads <n>", "attention heads of a GPT; default 4", integer(1))
    .option("--blocks <n>", "blocks of a GPT; default: from the checkpoint", integer(1))
    .option("--dim <n>", "width of a GPT; default: from the checkpoint", integer(1))
    .option(
      "--task <kind>",
      "task of an ONNX graph: classify, tokens, segment or regress; default: from shapes and labels",
      oneOf("classify", "tokens", "segment", "regress"),
    )
    .option("--output <name>", "output of an ONNX graph that holds the scores; default: from shapes")
    .option("--head <file>", "for CLIP: .safetensors with the classes' text_embeds, and logit_scale")
    .option("--classes <file>", "for CLIP: text file with a sentence for each class, one per line")
    .option("--data-dir <dir>", "folder of the data set's official files")
    .option("--mean <list>", "mean of each channel, comma-separated; default: the data set's", numbers)
    .option("--std <list>", "standard deviation of each channel; default: the data set's", numbers)
    .option("--size <n>", "side of an image in pixels: the official size, or half of it (16 for CIFAR)", integer(1))
    .option(
      "--split <name>",
      "train, test, or valid (of folders); default: train for built-in data sets, test for texts and images",
      oneOf("train", "valid", "test"),
    )
    .option("--samples <n>", "number of samples, from the start of the split; default: all", integer(1))
    .option(
      "--batch <n>",
      "samples evaluated together; default: at most 64; changes the results only where the samples of a batch affect each other",
      integer(1),
    )
    .option(
      "--group <by>",
      "what counts as one layer: module, block, sublayer (language models in folders) or tensor; default: module, for folders block",
      oneOf("module", "block", "sublayer", "tensor"),
    )
    .option("--key <name>", keyHelp, keys)
    .option("--allow-nonfinite", "accept weights that are NaN or infinite")
    .option("--device <name>", deviceHelp, device)
    .option("--threads <n>", "number of threads; default: one per core", integer(1, 1024))
    .option(
      "--memory <bytes>",
      "memory for the weights of averaged networks, such as 6GB; default: half of the free memory",
      bytes,
    );

type Options = ReturnType<ReturnType<typeof withSubject>["opts"]>;

/** Converts the options to those of a measurement. */
export function subjectOf(options: Options) {
  return {
    model: { name: options.model, sizes: sizesOf(options), head: options.head, classes: options.classes },
    task: options.task,
    output: options.output,
    keys: keysOfEnds(options.key),
    group: options.group,
    batch: options.batch,
    allowNonfinite: options.allowNonfinite,
    runtime: { device: options.device, threads: options.threads },
    memory: options.memory,
  } satisfies Partial<MeasureOptions>;
}

/** The keys of the two ends; undefined if none is given. */
function keysOfEnds(given: ReturnType<typeof keys> | undefined): MeasureOptions["keys"] {
  if (given === undefined) return undefined;
  const { a, b } = given;
  return { ...(a ? { a } : {}), ...(b ? { b } : {}) };
}

export function dataOf(name: string, options: Options): MeasureOptions["data"] {
  const { dataDir: dir, mean, std, size, split, samples, context } = options;
  return { name, dir, mean, std, size, split, samples, context };
}
