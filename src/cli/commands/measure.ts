// layerwise measure A B: the barriers of any two checkpoints.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import type { MeasureOptions, MeasureResult, Metric } from "../../connectivity/index.ts";
import { requireWritable, UsageError, UserError } from "../../core/index.ts";
import type { EngineSettings } from "../../jobs/index.ts";
import { chooseEngine } from "../options/engine.ts";
import { chooseEnds, fromMergekitHelp } from "../options/from-mergekit.ts";
import { handOver } from "../options/hand-over.ts";
import { dataHelp, dataOf, keysOfEnds, subjectOf, withSubject } from "../options/subject.ts";
import { example, metrics, numbers, oneOf, positive, randomDraws, whole } from "../options/values.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { makeProgress, type Progress } from "../terminal/progress.ts";

export const measureCommand = () =>
  withSubject(
    new Command("measure")
      .description("measure the barriers of two checkpoints, layer by layer")
      .argument("[a]", "checkpoint of the one end")
      .argument("[b]", "checkpoint of the other end"),
  )
    .requiredOption("--data <name>", dataHelp)
    .option(
      "--scan <list>",
      "of single,shallow,deep,random,minimal,window:K,full, or ORDER.mjs",
      "single,shallow,deep,random,minimal,full",
    )
    .option("--order-seed <n>", "seed of the random order", whole(0), 111)
    .option("--layers <globs...>", "only these layers are ever averaged")
    .option("--base <end>", "where the other layers come from: a, b or both", oneOf("a", "b", "both"), "both")
    .option("--alpha <list>", "weights of end b", numbers, [0.5])
    .option("--from-mergekit <file>", `${fromMergekitHelp}; --scan is single,full by default then`)
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
    .option("--out <dir>", "folder of the results; default: a new one under runs/")
    .option("--quiet", "no progress")
    .option("--json", "print the result as one JSON document on standard output")
    .addHelpText(
      "before",
      example("layerwise measure a.pt b.pt --model resnet18-nonorm --data cifar10 --data-dir data --samples 500"),
    )
    .action(async (givenA, givenB, options, command) => {
      const { a, b, group, mergekit } = await chooseEnds({ ...options, a: givenA, b: givenB }, command, ["alpha"]);
      const { isModelFolder, isStateDict } = await import("../../hub/index.ts");
      const isNamed = (path: string) => path.endsWith(".onnx") || isModelFolder(path);
      const key = keysOfEnds(options.key)?.a;
      const isKnown = (path: string) =>
        isStateDict(path, { key }).catch((error) => {
          if (key !== undefined) throw error;
          return false;
        });
      if (options.model === undefined && ![a, b].every(isNamed) && !(await isKnown(a)))
        throw new UsageError(
          "Name the network with --model: a built-in one (layerwise models lists them), or an .onnx file of its graph. Two .onnx files or Hugging Face folders need none.",
        );
      const { encodeMeasurement, parseScans, saveMeasurement } = await import("../../connectivity/index.ts");
      const engine = await chooseEngine(command);
      if (engine.name !== "slurm" && "piece" in command.opts())
        throw new UsageError("--piece is for --engine slurm: here a measurement is made in one go.");
      const { out = "runs" } = options;
      if (["recipe.yaml", "experiment.json"].some((file) => existsSync(join(out, file))))
        throw new UserError(
          `${out} holds an experiment, and its report would be overwritten. Give --out another folder.`,
        );
      await requireWritable(out);
      const wanted: MeasureOptions = {
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
        engine.name === "slurm" ? measureThere(wanted, engine, progress) : measureHere(wanted, progress);
      const [report, summary] = [import("../../report/index.ts"), import("../terminal/summary.ts")]; // while the measuring begins
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

async function measureHere(options: MeasureOptions, progress: Progress): Promise<Measured> {
  const { measureApart } = await import("../../connectivity/index.ts");
  onInterrupt("Nothing was written.");
  return measureApart(options, ({ done, total }) =>
    progress.update("measure", done, total, `${Math.round(done)} of ${total} samples`),
  );
}

async function measureThere(options: MeasureOptions, engine: EngineSettings, progress: Progress): Promise<Measured> {
  const { measureInPieces } = await import("../../experiments/index.ts");
  return measureInPieces(options, { engine, ...(await handOver(engine)), onProgress: progress.update });
}
