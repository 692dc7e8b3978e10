// Two ends, and what is averaged of them: named on the command line, or in a mergekit configuration.
import { UsageError } from "../../core/index.ts";
import type { MergekitAlphas } from "../../hub/index.ts";

export const fromMergekitHelp =
  "a linear mergekit configuration of two Hugging Face folders: its models (unless A and B are given) and the weight of each layer";

/** The options that a configuration decides, and where a command has their values from. */
interface Sources {
  getOptionValueSource(name: string): string | undefined;
}

interface Given {
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly fromMergekit?: string;
  readonly group?: MergekitAlphas["group"];
}

export interface ChosenEnds {
  readonly a: string;
  readonly b: string;
  /** The configuration's, where the command line names none. */
  readonly group?: MergekitAlphas["group"];
  readonly mergekit?: MergekitAlphas;
}

/** Throws {@link UsageError} where there are no two ends, or one of the options `decided` is given beside a configuration. */
export async function chooseEnds(
  { a, b, fromMergekit, group }: Given,
  command: Sources,
  decided: readonly string[],
): Promise<ChosenEnds> {
  if (fromMergekit === undefined) {
    if (a === undefined || b === undefined)
      throw new UsageError("Name the checkpoints of both ends, A and B. --help shows an example.");
    return { a, b, group };
  }
  const twice = decided.find((name) => command.getOptionValueSource(name) === "cli");
  if (twice) throw new UsageError(`--from-mergekit decides what is averaged, so leave --${twice} out.`);
  const { readMergekitAlphas } = await import("../../hub/index.ts");
  const mergekit = await readMergekitAlphas(fromMergekit, { a, b, group });
  return { a: mergekit.a, b: mergekit.b, group: mergekit.group, mergekit };
}
