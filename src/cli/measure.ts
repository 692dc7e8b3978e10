// layerwise measure A B: the barriers of any two checkpoints.
import { Command } from "@commander-js/extra-typings";
import type { Metric } from "../connectivity/index.ts";
import { device, example, metrics, numbers, oneOf, positive, randomDraws, sizesOf, whole } from "./options.ts";
import { makeProgress } from "./progress.ts";
import { showMeasurement } from "./summary.ts";

export const measureCommand = () =>
  new Command("measure")
    .description("measure the barriers of two checkpoints, layer by layer")
    .argument("<a>", "checkpoint of the one end")
    .argument("<b>", "checkpoint of the other end")
    .option("--model <name>", "a built-in network, or FILE.onnx: that graph; not for two .onnx files")
    .option("--width <n>", "channels of the first stage; default: read from the checkpoint", whole(1))
    .option("--hidden <n>", "width of hidden layers; default: read from the checkpoint", whole(1))
    .option("--context <n>", "characters in a text sample; default: read from the checkpoint", whole(1))
    .option("--heads <n>", "attention heads of a GPT; default 4", whole(1))
    .option("--blocks <n>", "blocks of a GPT; default: read from the checkpoint", whole(1))
    .option("--dim <n>", "width of a GPT; default: read from the checkpoint", whole(1))
    .option(
      "--task <kind>",
      "what an ONNX graph does: classify, tokens or regress; default: by shapes",
      oneOf("classify", "tokens", "regress"),
    )
    .option("--output <name>", "the output of an ONNX graph that holds the scores")
    .requiredOption("--data <name>", "cifar10, cifar10-half, cifar100, shakespeare, npz:FILE, or MODULE.mjs")
    .option("--data-dir <dir>", "where the data set's official files lie")
    .option("--mean <list>", "mean of each channel; default: the data set's", numbers)
    .option("--std <list>", "deviation of each channel; default: the data set's", numbers)
    .option("--split <name>", "train or test", oneOf("train", "test"), "train")
    .option("--samples <n>", "the first n samples of the split; default: all", whole(1))
    .option("--batch <n>", "evaluation batch; changes no result", whole(1), 64)
    .option(
      "--scan <list>",
      "of single,shallow,deep,random,minimal,window:K,full",
      "single,shallow,deep,random,minimal,full",
    )
    .option("--order-seed <n>", "seed of the random order", whole(0), 111)
    .option("--layers <globs...>", "only these layers are ever averaged")
    .option(
      "--group <by>",
      "what counts as a layer: module, block or tensor",
      oneOf("module", "block", "tensor"),
      "module",
    )
    .option("--base <end>", "where the other layers come from: a, b or both", oneOf("a", "b", "both"), "both")
    .option("--alpha <list>", "weights of end b", numbers, [0.5])
    .option("--metric <list>", "of loss,error", metrics, ["loss", "error"] as Metric[])
    .option(
      "--stats <how>",
      "running statistics of averaged layers: average, a (kept) or recalibrate",
      oneOf("average", "a", "recalibrate"),
      "average",
    )
    .option("--baseline <random:K>", "K random steps of the same length beside every cell", randomDraws)
    .option(
      "--precision <x>",
      "stop adding samples once half of every 95 % interval is at most x (nats of loss; points with --metric error)",
      positive,
    )
    .option(
      "--tolerance <x>",
      "the barrier up to which a layer may be averaged; default 0.05 or a tenth of the full one",
      positive,
    )
    .option("--allow-nonfinite", "go on when a weight is NaN or infinite")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads; default: one for each core", whole(1))
    .option("--out <dir>", "folder of the results; default: a new one under runs/")
    .option("--quiet", "no progress")
    .option("--json", "print the result as one JSON document on standard output")
    .addHelpText(
      "before",
      example("layerwise measure a.pt b.pt --model resnet18-nonorm --data cifar10 --data-dir data --samples 500"),
    )
    .action(async (a, b, options) => {
      const { measureApart, parseScans, saveMeasurement } = await import("../connectivity/index.ts");
      const { renderMeasurement } = await import("../report/index.ts");
      const progress = makeProgress(options);
      const { document, samples } = await measureApart(
        {
          a,
          b,
          model: { name: options.model, sizes: sizesOf(options) },
          data: {
            name: options.data,
            dir: options.dataDir,
            mean: options.mean,
            std: options.std,
            split: options.split,
            samples: options.samples,
            context: options.context,
          },
          task: options.task,
          output: options.output,
          metrics: options.metric,
          statistics: options.stats,
          randomDraws: options.baseline,
          precision: options.precision,
          tolerance: options.tolerance,
          scans: parseScans(options.scan),
          base: options.base,
          orderSeed: options.orderSeed,
          layers: options.layers,
          group: options.group,
          alphas: options.alpha,
          batch: options.batch,
          allowNonfinite: options.allowNonfinite,
          runtime: { device: options.device, threads: options.threads },
        },
        (done, total) => progress.update("measure", done, total, `${done} of ${total} samples`),
      ).finally(progress.stop);
      const folder = await saveMeasurement(document, samples, renderMeasurement(document), options.out);
      console.log(options.json ? JSON.stringify(document, null, 1) : showMeasurement(document, folder));
    });
