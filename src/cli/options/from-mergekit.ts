// The two ends and their alphas, from the command line or from a mergekit configuration.
import { existsSync } from "node:fs";
import { UsageError } from "../../core/index.ts";
import type { MergekitAlphas } from "../../hub/index.ts";

export const fromMergekitHelp =
  "take the ends (unless A and B are given) and the alpha of each layer from a linear mergekit configuration of two Hugging Face folders";

/** A command that knows where an option's value comes from. */
interface Sources {
  getOptionValueSource(name: string): string | undefined;
}

interface Given {
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly fromMergekit?: string;
  readonly layers?: readonly string[];
  readonly group?: MergekitAlphas["group"];
}

export interface ChosenEnds {
  readonly a: string;
  readonly b: string;
  /** The configuration's, unless the command line has one. */
  readonly group?: MergekitAlphas["group"];
  readonly mergekit?: MergekitAlphas;
}

/** Throws {@link UsageError} if an end is missing, or if a configuration and one of the options `decided` are given. */
export async function chooseEnds(
  { a, b, fromMergekit, layers = [], group }: Given,
  command: Sources,
  decided: readonly string[],
): Promise<ChosenEnds> {
  if (fromMergekit === undefined) {
    const [first, second] = layers.slice(-2);
    if (a === undefined && second !== undefined && [first, second].every((path) => existsSync(path)))
      throw new UsageError(
        `--layers takes all words after it, also ${first} and ${second}. Give the two ends before the options.`,
      );
    if (a === undefined || b === undefined)
      throw new UsageError("Give the checkpoints of both ends, A and B. --help shows an example.");
    return { a, b, group };
  }
  const twice = decided.find((name) => command.getOptionValueSource(name) === "cli");
  if (twice) throw new UsageError(`--from-mergekit sets what is averaged. Leave out --${twice}.`);
  const { readMergekitAlphas } = await import("../../hub/index.ts");
  const mergekit = await readMergekitAlphas(fromMergekit, { a, b, group });
  return { a: mergekit.a, b: mergekit.b, group: mergekit.group, mergekit };
}
