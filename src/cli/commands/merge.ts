// layerwise merge A B --out FILE: writes a merged checkpoint in A's format, or a merged folder. It averages the given
// layers, or those that a budget allows.
import { Command, Option } from "@commander-js/extra-typings";
import { UsageError } from "../../core/index.ts";
import type { MergekitAlphas } from "../../hub/index.ts";
import { chooseEnds, fromMergekitHelp } from "../options/from-mergekit.ts";
import { dataHelp, dataOf, subjectOf, withSubject } from "../options/subject.ts";
import { example, metrics, numbers, oneOf, positive } from "../options/values.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { describeMerge } from "../terminal/merged.ts";
import { makeProgress } from "../terminal/progress.ts";

/** The options of the main group in --help, in this order. */
export const mainMergeOptions = ["out", "layers", "alpha", "budget", "data", "model", "samples", "metric"];

/** Options that have no effect without samples. */
const ofSamples = ["samples", "split", "size", "batch", "metric", "model", "task", "output"] as const;

export const mergeCommand = () =>
  withSubject(
    new Command("merge")
      .description("write a merged checkpoint in a's format, or a merged Hugging Face folder")
      .argument("[a]", "checkpoint or folder of end a; the output is a copy with averaged layers")
      .argument("[b]", "checkpoint or folder of end b"),
  )
    .requiredOption(
      "--out <file>",
      "output file (FILE.merge.json records what was merged); for Hugging Face folders the output folder (with merge.json)",
    )
    .option(
      "--layers <globs...>",
      "layers to average, by name or glob (* does not cross a dot, ** does), optionally with their own alpha: 'layer1.**' fc=0.25; default: all",
    )
    .addOption(
      new Option("--alpha <x>", "how much of b is in an average, from 0 (a) to 1 (b)")
        .argParser(numbers)
        .default([0.5], "0.5"),
    )
    .option("--base <end>", "end of the layers outside the average: a or b", oneOf("a", "b"), "a")
    .option("--budget <x>", "choose the most parameters whose joint barrier is at most x; needs --data", positive)
    .addOption(
      new Option("--metric <name>", "metric of the budget: loss (nats) or error (points)")
        .argParser(metrics)
        .default(["loss"] as ("loss" | "error")[], "loss"),
    )
    .option(
      "--stats <how>",
      "running statistics of averaged layers: average, a (those of end a), or recalibrate on the samples (needs --data)",
      oneOf("average", "a", "recalibrate"),
      "average",
    )
    .option("--data <name>", `samples to check the merged network on: ${dataHelp}`)
    .option("--mergekit <file>", "also write the choice as a mergekit configuration, for Hugging Face folders")
    .option("--from-mergekit <file>", fromMergekitHelp)
    .option("--json", "print the merge record as one JSON document")
    .option("--quiet", "hide progress")
    .addHelpText(
      "before",
      example(
        "layerwise merge a.pt b.pt --out merged.pt --layers 'layer4.**' fc",
        "layerwise merge model-a model-b --out merged --budget 0.01 --data text.txt",
      ),
    )
    .action(async (givenA, givenB, options, command) => {
      const decided = ["alpha", "layers", "budget", "base"];
      const { a, b, group, mergekit } = await chooseEnds({ ...options, a: givenA, b: givenB }, command, decided);
      const { merge, mergeApart, recordPath } = await import("../../merging/index.ts");
      onInterrupt("Nothing was written.");
      const { out, base, budget, stats, data, json } = options;
      const layers = mergekit ? layersOf(mergekit) : options.layers;
      const unused = ofSamples.find((name) => command.getOptionValueSource(name) === "cli");
      if (data === undefined && unused)
        throw new UsageError(
          `--${unused} is for the samples on which a merge is checked. Add --data, or leave it out.`,
        );
      if (options.alpha.length !== 1)
        throw new UsageError("merge takes one --alpha. Give a layer its own with --layers GLOB=ALPHA.");
      if (options.metric.length !== 1) throw new UsageError("merge takes one --metric. Use loss or error.");
      const [alpha] = options.alpha;
      const progress = makeProgress(options);
      const subject = subjectOf(options);
      const work = data === undefined ? merge : mergeApart; // without data, nothing needs the runtime
      const record = await work(
        {
          a,
          b,
          out,
          layers,
          alpha,
          base,
          statistics: stats,
          keys: subject.keys,
          group,
          mergekit: options.mergekit,
          command: commandLine(),
          remarks: mergekit?.notes,
          allowNonfinite: options.allowNonfinite,
          budget: budget === undefined ? undefined : { limit: budget, metric: options.metric[0] },
          measure:
            data === undefined
              ? undefined
              : { a, b, ...subject, group, data: dataOf(data, options), scans: [], statistics: stats },
        },
        ({ step, fraction }) => progress.update(step, fraction, 1),
      ).finally(progress.stop);
      console.log(json ? JSON.stringify(record, null, 1) : describeMerge(record, recordPath(record.out)));
    });

/** Every layer with an alpha other than 0; if there is none, all layers, since an empty list would average them. */
const layersOf = ({ alphas }: MergekitAlphas): string[] => {
  const all = Object.entries(alphas);
  const changed = all.filter(([, alpha]) => alpha !== 0);
  return (changed.length ? changed : all).map(([name, alpha]) => `${name}=${alpha}`);
};

/** The command line, quoted for a shell. */
const commandLine = (): string =>
  ["layerwise", ...process.argv.slice(2)]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
