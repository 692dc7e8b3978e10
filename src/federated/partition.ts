// Dealing samples out to clients: each sample to exactly one. `iid` in equal parts at random; `dirichlet` by classes, each client's share of a class drawn from
// Dirichlet(alpha, …, alpha) (Hsu et al. 2019): small alphas make clients that see few classes; `shards` sorted by class and cut into pieces (McMahan
// et al. 2017).
import { randomGamma } from "d3-random";
import { type Random, randomStream, UserError } from "../core/index.ts";

export interface Partition {
  readonly kind: "iid" | "dirichlet" | "shards";
  readonly clients: number;
  /** Concentration of `dirichlet`. */
  readonly alpha?: number;
  /** Pieces that each client gets, of `shards`. */
  readonly shards?: number;
  readonly seed: number;
  /** A client may be left without samples. */
  readonly allowEmpty?: boolean;
}

/** Draws of a partition that leaves no client empty, before giving up. */
const tries = 100;

/** Each client's samples, ascending. Throws {@link UserError} when a client stays empty. */
export function partition(labels: ArrayLike<number>, options: Partition): Uint32Array<ArrayBuffer>[] {
  const { kind, clients, alpha = 0.5, shards = 2, seed, allowEmpty = false } = options;
  for (let attempt = 0; attempt < tries; attempt++) {
    const random = randomStream(seed, "partition", kind, attempt);
    const parts =
      kind === "iid"
        ? deal(random.permutation(labels.length), evenShares(clients))
        : kind === "dirichlet"
          ? dealClasses(labels, clients, alpha, random)
          : dealShards(labels, clients, shards, random);
    if (allowEmpty || parts.every((part) => part.length > 0)) return parts.map((part) => part.sort());
  }
  throw new UserError(
    `The ${kind} partition of ${labels.length} samples leaves one of ${clients} clients without any. Take fewer clients${kind === "dirichlet" ? ", more samples or a larger alpha" : " or more samples"}.`,
  );
}

/** Samples of each class at each client. */
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

const evenShares = (clients: number) => new Array<number>(clients).fill(1 / clients);

/** Cuts an order at the cumulated shares, so that every sample is dealt once. */
function deal(order: Uint32Array<ArrayBuffer>, shares: readonly number[]): Uint32Array<ArrayBuffer>[] {
  let sum = 0;
  let from = 0;
  return shares.map((share, i) => {
    sum += share;
    const to = i === shares.length - 1 ? order.length : Math.min(order.length, Math.round(sum * order.length));
    const part = order.slice(from, to);
    from = to;
    return part;
  });
}

function dealClasses(labels: ArrayLike<number>, clients: number, alpha: number, random: Random) {
  const parts = Array.from({ length: clients }, (): number[] => []);
  for (const members of byClass(labels)) {
    const order = Uint32Array.from(random.permutation(members.length), (i) => members[i]);
    deal(order, dirichlet(clients, alpha, random)).forEach((part, client) => {
      for (const i of part) parts[client].push(i);
    });
  }
  return parts.map((part) => Uint32Array.from(part));
}

/** Shares that sum to one, from gamma variates. */
function dirichlet(clients: number, alpha: number, random: Random): number[] {
  const gamma = randomGamma.source(() => random.uniform())(alpha);
  for (;;) {
    const draws = Array.from({ length: clients }, () => gamma());
    const sum = draws.reduce((total, x) => total + x, 0);
    if (sum > 0) return draws.map((x) => x / sum); // all may underflow to zero at tiny alphas
  }
}

function dealShards(labels: ArrayLike<number>, clients: number, shards: number, random: Random) {
  const sorted = Uint32Array.from(byClass(labels).flatMap((members) => Array.from(members)));
  const pieces = deal(sorted, evenShares(clients * shards));
  const order = random.permutation(pieces.length);
  return Array.from({ length: clients }, (_, client) => {
    const own = Array.from(order.slice(client * shards, (client + 1) * shards), (i) => pieces[i]);
    return Uint32Array.from(own.flatMap((piece) => Array.from(piece)));
  });
}

/** The samples of each class, in their order; classes without any are left out. */
function byClass(labels: ArrayLike<number>): Uint32Array[] {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const group = groups.get(labels[i]);
    if (group) group.push(i);
    else groups.set(labels[i], [i]);
  }
  return [...groups].sort(([x], [y]) => x - y).map(([, members]) => Uint32Array.from(members));
}
