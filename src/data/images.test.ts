import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasShared, sharedPath } from "../../test/shared.ts";
import { projectRoot, randomStream, sha256, UserError } from "../core/index.ts";
import { batchesOf, epochOrder, openData } from "./index.ts";

const sample = join(projectRoot, "embedded/cifar10-sample");
const pixels = (batch: { inputs: Readonly<Record<string, { data: ArrayLike<number | bigint> }>> }) =>
  batch.inputs.input.data as Float32Array;

describe("CIFAR-10", () => {
  it("normalises bytes by channel: (byte / 255 - mean) / deviation", async () => {
    const data = await openData("cifar10", { dir: sample, samples: 10 });
    const file = readFileSync(join(sample, "data_batch_1.bin"));
    const { inputs, labels } = data.batch([3]);
    expect(inputs.input.shape).toEqual([1, 3, 32, 32]);
    expect(Number(labels.data[0])).toBe(file[3 * 3073]);
    for (const [c, mean, std] of [
      [0, 0.4914, 0.2023],
      [1, 0.4822, 0.1994],
      [2, 0.4465, 0.201],
    ]) {
      for (const at of [0, 500, 1023]) {
        expect(pixels({ inputs })[c * 1024 + at]).toBeCloseTo(
          (file[3 * 3073 + 1 + c * 1024 + at] / 255 - mean) / std,
          5,
        );
      }
    }
    expect(data.sha256).toBe(sha256(file.subarray(0, 10 * 3073)));
  });

  it("crops with a black border before normalisation, and flips", async () => {
    const data = await openData("cifar10", { dir: sample, samples: 1 });
    const whole = pixels(data.batch([0]));
    const black = [0.4914 / 0.2023, 0.4822 / 0.1994, 0.4465 / 0.201].map((x) => -x);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const random = randomStream(i, "augment");
      const changed = pixels(data.batch([0], { augment: random }));
      const again = randomStream(i, "augment");
      const [dy, dx, flip] = [again.integer(9) - 4, again.integer(9) - 4, again.uniform() < 0.5];
      seen.add(`${dy} ${dx} ${flip}`);
      for (const [c, y, x] of [
        [0, 0, 0],
        [1, 31, 31],
        [2, 15, 3],
      ]) {
        const [row, column] = [y + dy, (flip ? 31 - x : x) + dx];
        const inside = row >= 0 && row < 32 && column >= 0 && column < 32;
        expect(changed[c * 1024 + y * 32 + x]).toBeCloseTo(inside ? whole[c * 1024 + row * 32 + column] : black[c], 5);
      }
    }
    expect(seen.size).toBeGreaterThan(120); // of 162 kinds
  });

  it("reports faults of the data", async () => {
    const refusal = (name: string, options: object) =>
      openData(name, options).then(
        () => "",
        (error) => (error instanceof UserError ? error.message : String(error.stack)),
      );
    expect(await refusal("cifar10", { dir: "nowhere" })).toContain(
      "Give the folder of the official files with --data-dir (data.dir in a recipe), or download them with `layerwise fetch cifar10`.",
    );
    expect(await refusal("cifar10", { dir: sample, samples: 501 })).toContain(
      "has 500 samples here, but 501 are needed",
    );
    expect(await refusal("cifar10", { dir: sample })).toContain("is incomplete: there is no");
    expect(await refusal("cifar10", { dir: sample, samples: 9, size: 8 })).toContain(
      "a side of 32 or 16 pixels, not 8",
    );
    expect(await refusal("cifar10-half", { samples: 4001 })).toContain("4001 are needed");
    expect(await refusal("cifar10-hlaf", {})).toContain("did you mean cifar10-half?");
    expect(await refusal("cifar10-half", { mean: [0.5] })).toContain("--mean needs 3 numbers");
  });

  it("halves official files to the embedded set", async () => {
    const [halved, embedded] = [
      await openData("cifar10", { dir: sample, samples: 500, size: 16 }),
      await openData("cifar10-half", { samples: 500 }),
    ];
    expect(halved.sha256).toBe(embedded.sha256);
    expect(pixels(halved.batch([7, 499]))).toEqual(pixels(embedded.batch([7, 499])));
  });

  it.skipIf(!hasShared)("has the 2x2 means of the official files at half size (../shared)", async () => {
    for (const [split, count] of [
      ["train", 4000],
      ["test", 1000],
    ] as const) {
      const half = await openData("cifar10-half", { split, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
      const full = await openData("cifar10", {
        split,
        samples: count,
        dir: sharedPath("data"),
        mean: [0, 0, 0],
        std: [1 / 255, 1 / 255, 1 / 255],
      });
      expect([half.count, full.count]).toEqual([count, count]);
      for (const i of [0, count - 1]) {
        const [small, large] = [pixels(half.batch([i])), pixels(full.batch([i]))];
        for (let at = 0; at < 768; at++) {
          const [c, y, x] = [Math.floor(at / 256), Math.floor(at / 16) % 16, at % 16];
          const corner = c * 1024 + 2 * y * 32 + 2 * x;
          const mean = (large[corner] + large[corner + 1] + large[corner + 32] + large[corner + 33]) / 4;
          expect(Math.abs(small[at] - mean)).toBeLessThan(0.51);
        }
      }
    }
  });
});

describe("batches", () => {
  it("contain every sample once, in the epoch's order, with a shorter last batch", () => {
    const order = epochOrder(randomStream(5, "order", 0), 103);
    const batches = [...batchesOf(order, 10)];
    expect(batches.map((b) => b.length)).toEqual([...Array(10).fill(10), 3]);
    expect(batches.flatMap((b) => [...b]).sort((x, y) => x - y)).toEqual([...Array(103).keys()]);
    expect(epochOrder(randomStream(5, "order", 0), 103)).toEqual(order);
    expect(epochOrder(randomStream(5, "order", 1), 103)).not.toEqual(order);
  });
});
