// layerwise measure A B: measures the barriers of two checkpoints.
import { Command, Option } from "@commander-js/extra-typings";
import type { MeasureOptions, MeasureResult, Metric } from "../../connectivity/index.ts";
import { UsageError } from "../../core/index.ts";
import type { EngineSettings } from "../../jobs/index.ts";
import { chooseEngine } from "../options/engine.ts";
import { chooseEnds, fromMergekitHelp } from "../options/from-mergekit.ts";
import { handOver } from "../options/hand-over.ts";
import { dataHelp, dataOf, subjectOf, withSubject } from "../options/subject.ts";
import { example, integer, metrics, numbers, oneOf, positive, randomDraws } from "../options/values.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { makeProgress, type ProgressLines } from "../terminal/progress.ts";

/** The options of the main group in --help, in this order. */
export const mainMeasureOptions = ["data", "model", "samples", "scan", "layers", "metric", "out"];

const words = `
Words:
  ends      the two checkpoints, a and b
  barrier   how much worse an averaged network is than the mean of the two ends,
            mixed in the same proportion if --alpha is not 0.5
  base      the end that the layers outside the average come from
  scan      which layers are averaged: single (each on its own), shallow (from
            the input up to each layer), deep (from the output), random, minimal
            (the first five, the last five, then the rest), window:K (K in a row),
            full (all)`;

export const measureCommand = () =>
  withSubject(
    new Command("measure")
      .description("measure which layers of two checkpoints can be averaged")
      .argument("[a]", "checkpoint or folder of end a")
      .argument("[b]", "checkpoint or folder of end b"),
  )
    .requiredOption("--data <name>", `samples to measure on: ${dataHelp}`)
    .option(
      "--scan <list>",
      "scans, comma-separated: single, shallow, deep, random, minimal, window:K, full, or ORDER.mjs",
      "single,shallow,deep,random,minimal,full",
    )
    .option("--order-seed <n>", "seed of the random scan's layer order", integer(0), 111)
    .option(
      "--layers <globs...>",
      "average only these layers, by name or glob (* does not cross a dot, ** does): 'layer1.**' fc; default: all",
    )
    .option("--base <end>", "end of the layers outside the average: a, b or both", oneOf("a", "b", "both"), "both")
    .addOption(
      new Option("--alpha <list>", "how much of b is in an average, from 0 (a) to 1 (b), comma-separated")
        .argParser(numbers)
        .default([0.5], "0.5"),
    )
    .option("--from-mergekit <file>", `${fromMergekitHelp}; --scan is then single,full by default`)
    .addOption(
      new Option("--metric <list>", "loss (nats), error (percent), or both")
        .argParser(metrics)
        .default(["loss", "error"] as Metric[], "loss,error"),
    )
    .option(
      "--stats <how>",
      "running statistics of averaged layers: average, a (those of end a), or recalibrate on the samples",
      oneOf("average", "a", "recalibrate"),
      "average",
    )
    .option("--baseline <random:K>", "also measure K random changes of the same size for each average", randomDraws)
    .option(
      "--precision <x>",
      "stop adding samples once every 95 % interval has a half-width of at most x (nats; points with --metric error)",
      positive,
    )
    .option(
      "--tolerance <x>",
      "largest loss barrier at which a layer may be averaged, in nats; default 0.05 or a tenth of the full barrier, whichever is larger",
      positive,
    )
    .option("--out <dir>", "folder for the results; default: a new folder in runs/")
    .option("--quiet", "hide progress")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "before",
      example(
        "layerwise measure a.pt b.pt --model mlp --data cifar10 --samples 500",
        "layerwise measure model-a model-b --data text.txt",
      ),
    )
    .addHelpText("after", words)
    .action(async (givenA, givenB, options, command) => {
      const { a, b, group, mergekit } = await chooseEnds({ ...options, a: givenA, b: givenB }, command, ["alpha"]);
      const { encodeMeasurement, parseScans, requireResultsFolder, saveMeasurement } = await import(
        "../../connectivity/index.ts"
      );
      const engine = await chooseEngine(command);
      if (engine.name !== "slurm" && "piece" in command.opts())
        throw new UsageError("--piece is for --engine slurm. Leave it out.");
      await requireResultsFolder(options.out ?? "runs");
      const request: MeasureOptions = {
        a,
        b,
        ...subjectOf(options),
        group,
        ...(mergekit ? { layerAlphas: mergekit.alphas, remarks: mergekit.notes } : {}),
        data: dataOf(options.data, options),
        metrics: options.metric,
        statistics: options.stats,
        randomDraws: options.baseline,
        precision: options.precision,
        tolerance: options.tolerance,
        scans: parseScans(
          mergekit && command.getOptionValueSource("scan") === "default" ? "single,full" : options.scan,
        ),
        base: options.base,
        orderSeed: options.orderSeed,
        layers: options.layers,
        alphas: options.alpha,
      };
      const progress = makeProgress(options);
      const measuring =
        engine.name === "slurm" ? measureOnCluster(request, engine, progress) : measureHere(request, progress);
      // loaded while measuring starts
      const [report, summary] = [import("../../report/index.ts"), import("../terminal/summary.ts")];
      const { document, scores, done } = await measuring.finally(progress.stop);
      const { renderMeasurement } = await report;
      const { showMeasurement } = await summary;
      const folder = await saveMeasurement(document, scores, renderMeasurement(document), options.out);
      await done?.();
      console.log(
        options.json ? JSON.stringify(encodeMeasurement(document), null, 1) : showMeasurement(document, folder),
      );
    });

type Measured = MeasureResult & { readonly done?: () => Promise<void> };

async function measureHere(options: MeasureOptions, progress: ProgressLines): Promise<Measured> {
  const { measureApart } = await import("../../connectivity/index.ts");
  onInterrupt("Nothing was written.");
  return measureApart(options, ({ done, total }) =>
    progress.update("measure", done, total, `${Math.round(done)} of ${total} samples`),
  );
}

async function measureOnCluster(
  options: MeasureOptions,
  engine: EngineSettings,
  progress: ProgressLines,
): Promise<Measured> {
  const { measureInPieces } = await import("../../experiments/index.ts");
  return measureInPieces(options, { engine, ...(await handOver(engine)), onProgress: progress.update });
}
