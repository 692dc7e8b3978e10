// Errors about a source with fewer samples than requested.
import { UserError } from "../core/index.ts";

/** What to use of a source with too few samples or files. */
export const fewerSamples = "fewer samples: --samples, or data.samples and measure.samples in a recipe";

/** The error for a source with too few samples; `has` says what it contains, `instead` what else helps. */
export const tooFewSamples = (has: string, samples: number, instead = ""): UserError =>
  new UserError(`${has}, but ${samples} are needed. Use ${fewerSamples}${instead}.`);
