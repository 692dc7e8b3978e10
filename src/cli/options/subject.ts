// What measure and merge have in common: the network, the data, and where it is computed.
import type { Command } from "@commander-js/extra-typings";
import type { MeasureOptions } from "../../connectivity/index.ts";
import { bytes, device, keyHelp, keys, numbers, oneOf, sizesOf, whole } from "./values.ts";

export const dataHelp =
  "cifar10, cifar10-half, cifar100, shakespeare, npz:FILE, MODULE.mjs, a folder of CIFAR's Python files, or what Hugging Face folders read: a text (.txt, .jsonl, .parquet), labelled texts (also .tsv, .csv), images, or a folder of splits";

/** Adds the options to a command that has none yet. */
export const withSubject = <Arguments extends unknown[]>(command: Command<Arguments>) =>
  command
    .option(
      "--model <name>",
      "a built-in network, torchvision:NAME, FILE.onnx (that graph), MODULE.mjs, or a Hugging Face folder with two checkpoints of it; not for two .onnx files or folders",
    )
    .option("--width <n>", "channels of the first stage; default: read from the checkpoint", whole(1))
    .option("--hidden <n>", "width of hidden layers; default: read from the checkpoint", whole(1))
    .option(
      "--context <n>",
      "characters in a text sample, or tokens at most; default: read from the checkpoint, at most 512 of a folder",
      whole(1),
    )
    .option("--heads <n>", "attention heads of a GPT; default 4", whole(1))
    .option("--blocks <n>", "blocks of a GPT; default: read from the checkpoint", whole(1))
    .option("--dim <n>", "width of a GPT; default: read from the checkpoint", whole(1))
    .option(
      "--task <kind>",
      "what an ONNX graph does: classify, tokens, segment or regress; default: by shapes and labels",
      oneOf("classify", "tokens", "segment", "regress"),
    )
    .option("--output <name>", "the output of an ONNX graph that holds the scores")
    .option("--head <file>", "CLIP: text_embeds of the classes and logit_scale, in .safetensors")
    .option("--classes <file>", "CLIP: a sentence for each class, one a line, which its text tower reads")
    .option("--data-dir <dir>", "where the data set's official files lie")
    .option("--mean <list>", "mean of each channel; default: the data set's", numbers)
    .option("--std <list>", "deviation of each channel; default: the data set's", numbers)
    .option("--size <n>", "pixels of an image's side, the official ones or half of them: 16 for CIFAR", whole(1))
    .option(
      "--split <name>",
      "train, test, or valid of a folder of texts; default: train, of texts test",
      oneOf("train", "valid", "test"),
    )
    .option("--samples <n>", "the first n samples of the split; default: all", whole(1))
    .option(
      "--batch <n>",
      "evaluation batch; default 64 or a little less, so that samples fill it; changes no result",
      whole(1),
    )
    .option(
      "--group <by>",
      "what counts as a layer: module, block, sublayer (of Hugging Face folders) or tensor; default: module, of folders block",
      oneOf("module", "block", "sublayer", "tensor"),
    )
    .option("--key <name>", keyHelp, keys)
    .option("--allow-nonfinite", "go on when a weight is NaN or infinite")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads; default: one for each core", whole(1))
    .option("--memory <bytes>", "memory of the sweep, such as 6GB; default: half of what is free", bytes);

type Options = ReturnType<ReturnType<typeof withSubject>["opts"]>;

/** The options as the measuring takes them. */
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

/** The keys of the two ends; undefined where there are none. */
export function keysOfEnds(given: ReturnType<typeof keys> | undefined): MeasureOptions["keys"] {
  if (given === undefined) return undefined;
  const { a, b } = given;
  return { ...(a ? { a } : {}), ...(b ? { b } : {}) };
}

export function dataOf(name: string, options: Options): MeasureOptions["data"] {
  const { dataDir: dir, mean, std, size, split, samples, context } = options;
  return { name, dir, mean, std, size, split, samples, context };
}
