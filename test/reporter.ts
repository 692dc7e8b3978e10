// Prints what was skipped and why, then the plain closing line that CI reads: `N passed, N failed, N skipped`.
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { countReasons } from "./skipped.ts";

export default class ClosingLine implements Reporter {
  #vitest?: Vitest;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      const before = count.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        if (state === "skipped") skipped.push(test.fullName);
      }
      // a file that does not load is a failure
      if (module.state() === "failed" && count.failed === before) count.failed++;
    }
    const isFiltered = this.#vitest?.config.testNamePattern !== undefined; // then most are skipped on request
    if (!isFiltered) for (const line of countReasons(skipped)) console.log(line);
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
  }
}
