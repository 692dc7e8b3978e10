// Partitions of samples: each sample belongs to exactly one client. `iid`: equal parts at random. `dirichlet`: the
// clients' fractions of each class are drawn from Dirichlet(alpha, …, alpha) (Hsu et al. 2019); with a small alpha a
// client has few classes. `shards`: samples sorted by class and cut into shards (McMahan et al. 2017).
import { randomGamma } from "d3-random";
import { type Random, randomStream, UserError } from "../core/index.ts";

export interface Partition {
  readonly kind: "iid" | "dirichlet" | "shards";
  readonly clients: number;
  /** Concentration of `dirichlet`. */
  readonly alpha?: number;
  /** Number of shards for each client. */
  readonly shards?: number;
  readonly seed: number;
  /** Clients may have no samples. */
  readonly allowEmpty?: boolean;
}

/** Attempts at a partition in which every client has samples. */
const tries = 100;

/** Each client's samples, ascending. Throws {@link UserError} where a client has none. */
export function partition(labels: ArrayLike<number>, options: Partition): Uint32Array<ArrayBuffer>[] {
  const { kind, clients, alpha = 0.5, shards = 2, seed, allowEmpty = false } = options;
  for (let attempt = 0; attempt < tries; attempt++) {
    const random = randomStream(seed, "partition", kind, attempt);
    const parts =
      kind === "iid"
        ? cut(random.permutation(labels.length), evenFractions(clients))
        : kind === "dirichlet"
          ? cutClasses(labels, clients, alpha, random)
          : cutShards(labels, clients, shards, random);
    if (allowEmpty || parts.every((part) => part.length > 0)) return parts.map((part) => part.sort());
  }
  throw new UserError(
    `The ${kind} partition of ${labels.length} samples leaves one of ${clients} clients without samples. Use fewer clients${kind === "dirichlet" ? ", more samples or a larger alpha" : " or more samples"}.`,
  );
}

/** Number of samples of each class at each client. */
export function classHistogram(
  labels: ArrayLike<number>,
  parts: readonly ArrayLike<number>[],
  classes: number,
): number[][] {
  return parts.map((part) => {
    const counts = new Array<number>(classes).fill(0);
    for (let i = 0; i < part.length; i++) counts[labels[part[i]]]++;
    return counts;
  });
}

const evenFractions = (clients: number) => new Array<number>(clients).fill(1 / clients);

/** Cuts an order at the cumulative fractions, so every sample is in exactly one part. */
function cut(order: Uint32Array<ArrayBuffer>, fractions: readonly number[]): Uint32Array<ArrayBuffer>[] {
  let sum = 0;
  let from = 0;
  return fractions.map((fraction, i) => {
    sum += fraction;
    const to = i === fractions.length - 1 ? order.length : Math.min(order.length, Math.round(sum * order.length));
    const part = order.slice(from, to);
    from = to;
    return part;
  });
}

function cutClasses(labels: ArrayLike<number>, clients: number, alpha: number, random: Random) {
  const parts = Array.from({ length: clients }, (): number[] => []);
  for (const members of groupByClass(labels)) {
    const order = Uint32Array.from(random.permutation(members.length), (i) => members[i]);
    cut(order, drawDirichlet(clients, alpha, random)).forEach((part, client) => {
      for (const i of part) parts[client].push(i);
    });
  }
  return parts.map((part) => Uint32Array.from(part));
}

/** Fractions that sum to one, from gamma variates. */
function drawDirichlet(clients: number, alpha: number, random: Random): number[] {
  const gamma = randomGamma.source(() => random.uniform())(alpha);
  for (;;) {
    const draws = Array.from({ length: clients }, () => gamma());
    const sum = draws.reduce((total, x) => total + x, 0);
    if (sum > 0) return draws.map((x) => x / sum); // at tiny alphas, all may underflow to zero
  }
}

function cutShards(labels: ArrayLike<number>, clients: number, shards: number, random: Random) {
  const sorted = Uint32Array.from(groupByClass(labels).flatMap((members) => Array.from(members)));
  const all = cut(sorted, evenFractions(clients * shards));
  const order = random.permutation(all.length);
  return Array.from({ length: clients }, (_, client) => {
    const own = Array.from(order.slice(client * shards, (client + 1) * shards), (i) => all[i]);
    return Uint32Array.from(own.flatMap((shard) => Array.from(shard)));
  });
}

/** The samples of each class, in order; classes without samples are left out. */
function groupByClass(labels: ArrayLike<number>): Uint32Array[] {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const group = groups.get(labels[i]);
    if (group) group.push(i);
    else groups.set(labels[i], [i]);
  }
  return [...groups].sort(([x], [y]) => x - y).map(([, members]) => Uint32Array.from(members));
}
