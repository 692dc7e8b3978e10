// What becomes of a command whose work a cluster takes over. A file of its own because Ctrl-C is answered from its import on.
import type { Callbacks, EngineSettings } from "../../jobs/index.ts";
import { onInterrupt } from "../terminal/interrupt.ts";

/** What a cluster's job remembers of the command, and what Ctrl-C says once it has the work. */
export async function handOver(engine: EngineSettings): Promise<Callbacks> {
  if (engine.name !== "slurm") return {};
  const { environmentOf } = await import("./engine-settings.ts");
  const { name, ...settings } = engine;
  return {
    command: process.argv.slice(2),
    environment: environmentOf({ ...settings, engine: name }),
    onHandedOver: (id) =>
      onInterrupt(
        `The cluster goes on with it: \`layerwise jobs attach ${id}\` looks again, \`layerwise jobs cancel ${id}\` stops it.`,
      ),
  };
}
