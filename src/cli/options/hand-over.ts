// Callbacks for a command that submits a job to a cluster. In its own file because importing it installs the Ctrl-C
// handler.
import type { Callbacks, EngineSettings } from "../../jobs/index.ts";
import { onInterrupt } from "../terminal/interrupt.ts";

/** The command line and settings that the job stores, and the message for Ctrl-C after submission. */
export async function handOver(engine: EngineSettings): Promise<Callbacks> {
  if (engine.name !== "slurm") return {};
  const { formatEnvironment } = await import("./engine-settings.ts");
  const { name, ...settings } = engine;
  return {
    command: process.argv.slice(2),
    environment: formatEnvironment({ ...settings, engine: name }),
    onSubmit: (id) =>
      onInterrupt(
        `The job keeps running on the cluster. Resume with \`layerwise jobs attach ${id}\`, or stop it with \`layerwise jobs cancel ${id}\`.`,
      ),
  };
}
