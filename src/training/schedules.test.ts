import { describe, expect, it } from "vitest";
import { schedule } from "./schedules.ts";

describe("the learning rate", () => {
  it("warms up from 1e-4 over steps, then falls to zero as a cosine over epochs", () => {
    const rate = schedule({ kind: "cosine", rate: 0.05, warmupSteps: 100, epochs: 200 });
    expect(rate(0, 0)).toBeCloseTo(1e-4, 12);
    expect(rate(50, 0)).toBeCloseTo((1e-4 + 0.05) / 2, 12);
    expect(rate(100, 0)).toBeCloseTo(0.05, 12);
    expect(rate(9999, 100)).toBeCloseTo(0.025, 12);
    expect(rate(9999, 200)).toBeCloseTo(0, 12);
  });

  it("falls in steps with kind step (StepLR)", () => {
    const rate = schedule({ kind: "step", rate: 0.05, warmupSteps: 0, epochs: 200, period: 30, factor: 0.5 });
    expect([0, 29, 30, 60].map((epoch) => rate(1000, epoch))).toEqual([0.05, 0.05, 0.025, 0.0125]);
  });

  it("does not warm up from above a smaller rate", () => {
    expect(schedule({ kind: "constant", rate: 1e-5, warmupSteps: 10, epochs: 1 })(0, 0)).toBe(1e-5);
  });
});
