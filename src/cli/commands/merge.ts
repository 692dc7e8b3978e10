// layerwise merge A B --out FILE: writes a merged checkpoint in A's format, or a merged folder, of given layers or of those that a budget allows.
import { Command } from "@commander-js/extra-typings";
import { UsageError } from "../../core/index.ts";
import type { MergekitWeights } from "../../hub/index.ts";
import type { MergeRecord } from "../../merging/index.ts";
import { chooseEnds, fromMergekitHelp } from "../options/from-mergekit.ts";
import { dataHelp, dataOf, subjectOf, withSubject } from "../options/subject.ts";
import { example, metrics, numbers, oneOf, positive } from "../options/values.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { makeProgress } from "../terminal/progress.ts";

export const mergeCommand = () =>
  withSubject(
    new Command("merge")
      .description("write a merged checkpoint in a's format, or a merged Hugging Face folder")
      .argument("[a]", "checkpoint or folder of the one end; what is written is a copy of it with layers replaced")
      .argument("[b]", "checkpoint or folder of the other end"),
  )
    .requiredOption(
      "--out <file>",
      "the file to write, or the folder where A and B are Hugging Face folders; FILE.merge.json, or merge.json in the folder, records what was merged",
    )
    .option(
      "--layers <globs...>",
      "layers to average, each perhaps with its own weight of b: 'layer1.**' fc=0.25; default all",
    )
    .option("--alpha <x>", "weight of b", numbers, [0.5])
    .option("--base <end>", "where the other layers come from: a or b", oneOf("a", "b"), "a")
    .option("--budget <x>", "choose the most parameters whose joint barrier stays within x; needs --data", positive)
    .option("--metric <name>", "of the budget: loss (nats) or error (points)", metrics, ["loss"] as (
      | "loss"
      | "error"
    )[])
    .option(
      "--stats <how>",
      "running statistics: average, a (kept) or recalibrate (needs --data)",
      oneOf("average", "a", "recalibrate"),
      "average",
    )
    .option("--data <name>", `samples to check the merged file on: ${dataHelp}`)
    .option("--mergekit <file>", "write the same choice as a mergekit configuration too; for Hugging Face folders")
    .option("--from-mergekit <file>", fromMergekitHelp)
    .option("--json", "print the record as one JSON document on standard output")
    .option("--quiet", "no progress")
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
      if (options.alpha.length !== 1)
        throw new UsageError("--alpha takes one weight here; give layers their own with GLOB=WEIGHT.");
      if (options.metric.length !== 1) throw new UsageError("--metric takes one here: loss or error.");
      const [alpha] = options.alpha;
      const progress = makeProgress(options);
      const subject = subjectOf(options);
      const work = data === undefined ? merge : mergeApart; // nothing native runs where nothing is measured
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
      console.log(json ? JSON.stringify(record, null, 1) : describe(record, recordPath(record.out)));
    });

/** Every layer that is not a's, with its weight; all of them would be averaged where there is none. */
const layersOf = ({ weights }: MergekitWeights): string[] => {
  const all = Object.entries(weights);
  const changed = all.filter(([, weight]) => weight !== 0);
  return (changed.length ? changed : all).map(([name, weight]) => `${name}=${weight}`);
};

/** The command as it was given, for a shell. */
const commandLine = (): string =>
  ["layerwise", ...process.argv.slice(2)]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");

function describe(record: MergeRecord, path: string): string {
  const { out, a, base, averaged, kept, parameters, budget, checked, notes = [] } = record;
  const share = ((100 * parameters.averaged) / Math.max(1, parameters.all)).toFixed(1);
  const names = Object.keys(averaged);
  const list = (some: readonly string[]) =>
    some.length > 12 ? `${some.slice(0, 12).join(", ")} and ${some.length - 12} more` : some.join(", ");
  const lines = [
    `Averaged ${names.length} of ${names.length + kept.length} layers, ${share} % of the parameters: ${list(names) || "none"}.`,
    ...(kept.length ? [`From ${base} alone: ${list(kept)}.`] : []),
  ];
  if (budget) {
    const barrier = budget.barrier === null ? "not finite" : budget.barrier.toFixed(4);
    const sets = `(${budget.evaluated} sets were evaluated; ${budget.method})`;
    lines.push(
      names.length
        ? `Their joint ${budget.metric} barrier is ${barrier}, within ${budget.limit} ${sets}.`
        : `No set of layers stays within ${budget.limit}, so the file is ${base} itself, whose ${budget.metric} is ${barrier} from the mean of the two ends ${sets}.`,
    );
  }
  if (checked) {
    const number = (x: number | null) => (x === null ? "–" : x.toFixed(4));
    lines.push(
      `The written file on ${checked.samples} samples: loss ${number(checked.loss)} (barrier ${number(checked.loss_barrier)}), error ${checked.error?.toFixed(1) ?? "–"} % (barrier ${checked.error_barrier?.toFixed(1) ?? "–"} points).`,
    );
  }
  lines.push(...notes.map((note) => `Note: ${note}`));
  return [...lines, `Written: ${out.path} in the format of ${a.path}, and ${path}.`].join("\n");
}
