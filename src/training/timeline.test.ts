import { describe, expect, it } from "vitest";
import { Timeline } from "./timeline.ts";

const epochs = (values: object) => new Timeline({ epochs: 6, every: 6, ...values });

describe("a timeline", () => {
  it("measures moment 0, then at every interval, and the last", () => {
    expect(epochs({ every: 4 }).measured).toEqual([0, 4, 6]);
    expect(epochs({ every: 3 }).measured).toEqual([0, 3, 6]);
    expect(epochs({ every: 9 }).measured).toEqual([0, 6]);
  });

  it("keeps the measured moments, optionally those before them, and the ends of rounds", () => {
    expect(epochs({ every: 4 }).kept).toEqual([0, 4, 6]);
    expect(epochs({ every: 3, keepsPrevious: true }).kept).toEqual([0, 2, 3, 5, 6]);
    expect(epochs({ round: 2 }).kept).toEqual([0, 2, 4, 6]);
  });

  it("is divided into rounds; the last one may be short", () => {
    expect(epochs({ round: 4 }).rounds).toEqual([
      { from: 0, until: 4 },
      { from: 4, until: 6 },
    ]);
    expect(epochs({}).rounds).toEqual([{ from: 0, until: 6 }]);
  });

  it("counts steps like epochs, with snapshots in between", () => {
    const steps = new Timeline({ steps: 350, every: 150 });
    expect([steps.unit, epochs({}).unit]).toEqual(["step", "epoch"]);
    expect(steps.measured).toEqual([0, 150, 300, 350]);
    expect([0, 100, 150, 200, 290].map((moment) => steps.nextSnapshot(moment))).toEqual([100, 150, 200, 300, 300]);
    expect(epochs({}).nextSnapshot(4)).toBe(5);
    expect([steps.steps(1000, 10), epochs({}).steps(95, 10)]).toEqual([350, 60]);
  });
});
