// A piece of work that ends in every way a child process can.
import { UsageError, UserError } from "../src/core/index.ts";
import type { Work } from "../src/runtime/index.ts";

const work: Work<string, string, number> = async (how, report) => {
  report(0.5);
  if (how === "user error") throw new UserError("This is shown unchanged.");
  if (how === "wrong usage") throw new UsageError("The command line is wrong.");
  if (how === "bug") throw new TypeError("this is a bug");
  if (how === "crash") process.kill(process.pid, "SIGSEGV");
  if (how === "hang") await new Promise((resolve) => setTimeout(resolve, 60_000));
  return `done: ${how}`;
};

export default work;
