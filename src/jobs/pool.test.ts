import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runTasks, type Task } from "./pool.ts";

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

describe("the pool", () => {
  it("runs every task once, after what it waits for, within its threads", async () => {
    const plans = fc.array(fc.record({ threads: fc.integer({ min: 1, max: 3 }), after: fc.array(fc.nat(20)) }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 1, max: 4 }), async (plan, capacity) => {
        const done: string[] = [];
        let busy = 0;
        let most = 0;
        const tasks = plan.map(
          ({ threads, after }, i): Task => ({
            key: String(i),
            after: after.filter((j) => j < i).map(String),
            threads,
            async run() {
              const mine = Math.min(threads, capacity);
              for (const key of this.after!) expect(done).toContain(key);
              busy += mine;
              most = Math.max(most, busy);
              await pause();
              busy -= mine;
              done.push(this.key);
            },
          }),
        );
        await runTasks(tasks, capacity);
        expect(done.toSorted()).toEqual(tasks.map((task) => task.key).toSorted());
        expect(most).toBeLessThanOrEqual(capacity);
      }),
      { numRuns: 40 },
    );
  });

  it("tells the others when one fails, begins no more, and throws the first failure", async () => {
    const begun: string[] = [];
    const task = (key: string, run: Task["run"], after?: string[]): Task => ({
      key,
      after,
      threads: 1,
      run(signal) {
        begun.push(key);
        return run(signal);
      },
    });
    const untilAborted: Task["run"] = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const tasks = [
      task("fails", () => Promise.reject(new Error("it broke"))),
      task("waits", untilAborted),
      task("never", pause, ["fails"]),
    ];
    await expect(runTasks(tasks, 2)).rejects.toThrow("it broke");
    expect(begun).toEqual(["fails", "waits"]);
  });

  it("notices tasks that wait for each other", async () => {
    const tasks = ["x", "y"].map((key, i): Task => ({ key, after: [["y", "x"][i]], threads: 1, run: pause }));
    await expect(runTasks(tasks, 1)).rejects.toThrow("wait for each other");
  });
});
