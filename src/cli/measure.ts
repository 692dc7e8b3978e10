// layerwise measure A B: the barriers of any two checkpoints.
import { Command } from "@commander-js/extra-typings";
import { device, example, numbers, oneOf, whole } from "./options.ts";
import { makeProgress } from "./progress.ts";
import { showMeasurement } from "./summary.ts";

export const measureCommand = () =>
  new Command("measure")
    .description("measure the barriers of two checkpoints, layer by layer")
    .argument("<a>", "checkpoint of the one end")
    .argument("<b>", "checkpoint of the other end")
    .requiredOption("--model <name>", "the network, e.g. resnet18-nonorm")
    .option("--width <n>", "channels of the first stage; default: read from the checkpoint", whole(1))
    .requiredOption("--data <name>", "cifar10, cifar10-half, npz:FILE …")
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
          model: { name: options.model, sizes: { width: options.width } },
          data: {
            name: options.data,
            dir: options.dataDir,
            mean: options.mean,
            std: options.std,
            split: options.split,
            samples: options.samples,
          },
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
