// Data sets whose official files are not on this machine.
import { UserError } from "../core/index.ts";

/** The official files of a built-in data set are missing; `layerwise fetch` downloads them. */
export class MissingData extends UserError {
  /** @param archives what to fetch */
  constructor(
    fault: string,
    readonly archives: readonly string[],
  ) {
    const commands = archives.map((name) => `\`layerwise fetch ${name}\``).join(" and ");
    super(
      `${fault}. Give the folder of the official files with --data-dir (data.dir in a recipe), or download them with ${commands}.`,
    );
  }
}
