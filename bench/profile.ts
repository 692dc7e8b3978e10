// `npm run bench profile`: a training step's time by kind of operation, from the runtime's trace. The remaining time is
// outside of the operations: the binding's copies, batches, the interpreter.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { makeStepper, type Spec, together } from "./work.ts";

/** The first run is slower because it allocates memory. */
const runs = 3;

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

async function profile(title: string, spec: Spec): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-profile-"));
  try {
    const { stepper, batch } = makeStepper(spec, { threads: spec.threads, profile: join(folder, "trace") });
    let last = 0;
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      await stepper.steps(Array(together).fill(batch), run * together, Array(together).fill(0.01));
      last = (performance.now() - start) / together;
    }
    await stepper.dispose();
    const events: Event[] = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]), "utf8"));
    const starts = events.filter(({ name }) => name === "model_run").map(({ ts }) => ts);
    const times = new Map<string, { ms: number; count: number }>();
    for (const { cat, name, ts, dur, args } of events) {
      if (cat !== "Node" || !name.endsWith("_kernel_time") || args?.op_name === "Scan" || ts < starts.at(-1)!) continue;
      const { ms, count } = times.get(args!.op_name!) ?? { ms: 0, count: 0 };
      times.set(args!.op_name!, { ms: ms + dur / 1000 / together, count: count + 1 / together });
    }
    const sorted = [...times].sort(([, x], [, y]) => y.ms - x.ms);
    const inside = sorted.reduce((sum, [, { ms }]) => sum + ms, 0);
    console.log(`${title}: ${last.toFixed(1)} ms, of which outside operations ${(last - inside).toFixed(1)}`);
    console.log(
      sorted
        .slice(0, 9)
        .map(([name, { ms, count }]) => `  ${name.padEnd(16)} ${ms.toFixed(1).padStart(7)} ms  ${count} of them`)
        .join("\n"),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function benchProfile(steps: readonly { title: string; spec: Omit<Spec, "threads"> }[]): Promise<void> {
  for (const { title, spec } of steps) await profile(title, { ...spec, threads: availableParallelism() });
}
