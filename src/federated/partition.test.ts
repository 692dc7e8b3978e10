// Partitions against closed forms: every sample once; means and variances of the clients' parts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classHistogram, type Partition, partition } from "./partition.ts";

const labels = (count: number, classes: number) => Uint8Array.from({ length: count }, (_, i) => (i * 7) % classes);
const kinds = ["iid", "dirichlet", "shards"] as const;

const moments = (values: readonly number[]) => {
  const mean = values.reduce((s, x) => s + x, 0) / values.length;
  return { mean, variance: values.reduce((s, x) => s + (x - mean) ** 2, 0) / (values.length - 1) };
};

describe("partitions", () => {
  it("assign every sample to exactly one client, and leave no client empty unless allowed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 60, max: 300 }),
        fc.double({ min: 0.05, max: 20, noNaN: true }),
        fc.nat(1000),
        (kind, clients, count, alpha, seed) => {
          const options: Partition = { kind, clients, alpha, seed, allowEmpty: true };
          const parts = partition(labels(count, 10), options);
          expect(parts).toHaveLength(clients);
          expect(parts.flatMap((part) => Array.from(part)).sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
          expect(partition(labels(count, 10), options)).toEqual(parts);
          expect(partition(labels(count, 10), { ...options, alpha: 5, allowEmpty: false }).every((p) => p.length)).toBe(
            true,
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it("assign many samples", () => {
    const parts = partition(new Uint8Array(600_000), { kind: "dirichlet", clients: 2, seed: 1 });
    expect(parts[0].length + parts[1].length).toBe(600_000);
  });

  it.each([0.1, 1, 12])(
    "by Dirichlet(%d): fractions of a class have mean 1/k and variance (1/k)(1 - 1/k)/(k alpha + 1)",
    (alpha) => {
      const clients = 3;
      const fractions: number[] = [];
      for (let seed = 0; seed < 400; seed++) {
        const all = labels(4000, 4);
        const parts = partition(all, { kind: "dirichlet", clients, alpha, seed, allowEmpty: true });
        for (const count of classHistogram(all, parts, 4)[0]) fractions.push(count / 1000);
      }
      const { mean, variance } = moments(fractions); // 1,600 draws
      const wanted = ((1 / clients) * (1 - 1 / clients)) / (clients * alpha + 1);
      expect(Math.abs(mean - 1 / clients)).toBeLessThan(4 * Math.sqrt(wanted / fractions.length));
      expect(Math.abs(variance / wanted - 1)).toBeLessThan(0.2);
    },
  );

  it("i.i.d.: a class's count at a client is hypergeometric", () => {
    const counts: number[] = [];
    const [total, ofClass, part] = [1000, 100, 250];
    for (let seed = 0; seed < 1000; seed++) {
      const all = labels(total, 10);
      const parts = partition(all, { kind: "iid", clients: 4, seed });
      expect(parts.map((p) => p.length)).toEqual([part, part, part, part]);
      counts.push(classHistogram(all, parts, 10)[1][3]);
    }
    const { mean, variance } = moments(counts);
    const fraction = ofClass / total;
    const wanted = (part * fraction * (1 - fraction) * (total - part)) / (total - 1);
    expect(Math.abs(mean - part * fraction)).toBeLessThan(4 * Math.sqrt(wanted / counts.length));
    expect(Math.abs(variance / wanted - 1)).toBeLessThan(0.2);
  });

  it("by shards: a client has few classes", () => {
    const all = labels(1000, 10);
    const parts = partition(all, { kind: "shards", clients: 5, shards: 2, seed: 1 });
    for (const counts of classHistogram(all, parts, 10)) expect(counts.filter(Boolean).length).toBeLessThanOrEqual(4);
  });

  it("that cannot fill every client are refused", () => {
    expect(() => partition(labels(2, 1), { kind: "iid", clients: 3, seed: 1 })).toThrow(
      /leaves one of 3 clients without samples/,
    );
  });
});
