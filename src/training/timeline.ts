// The course of a training, counted in epochs, or in steps where there are none (a text has none: its windows are drawn
// at random). Checkpoints, measurements and federated rounds are moments of it: whole numbers from 0, the
// initialisation, to the total.

/** Steps between two snapshots at most. */
const mostSteps = 100;

export interface TimelineOptions {
  /** One of the two. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Measured every so many. */
  readonly every: number;
  /** Also keeps the checkpoint before each measured one. */
  readonly keepsPrevious?: boolean;
  /** A federated round's length; undefined: one round, all of it. */
  readonly round?: number;
}

export class Timeline {
  readonly unit: "epoch" | "step";
  readonly total: number;
  readonly #options: TimelineOptions;

  constructor(options: TimelineOptions) {
    const { epochs, steps } = options;
    this.unit = steps === undefined ? "epoch" : "step";
    this.total = (steps ?? epochs)!;
    this.#options = options;
  }

  #isMeasured(moment: number): boolean {
    return moment % this.#options.every === 0 || moment === this.total;
  }

  /**
   * Whether the checkpoint of a moment stays: it is measured, a round ends there, or the next one is measured against
   * it.
   */
  isKept(moment: number): boolean {
    const { keepsPrevious, round } = this.#options;
    return (
      this.#isMeasured(moment) ||
      (keepsPrevious === true && this.#isMeasured(moment + 1)) ||
      (round !== undefined && moment % round === 0)
    );
  }

  /** The moments that are measured: 0, every so many, and the last. */
  get measured(): number[] {
    return this.#moments().filter((moment) => this.#isMeasured(moment));
  }

  /** The moments whose checkpoints stay, ascending. */
  get kept(): number[] {
    return this.#moments().filter((moment) => this.isKept(moment));
  }

  /** Where each federated round begins and ends; the last one may be short. */
  get rounds(): { from: number; until: number }[] {
    const { round = this.total } = this.#options;
    return Array.from({ length: Math.ceil(this.total / round) }, (_, i) => ({
      from: i * round,
      until: Math.min((i + 1) * round, this.total),
    }));
  }

  /**
   * Where the snapshot after a moment is: at the next epoch, or within a hundred steps, so that every measured one has
   * its own.
   */
  nextSnapshot(moment: number): number {
    if (this.unit === "epoch") return moment + 1;
    const following = (of: number) => moment - (moment % of) + of;
    return Math.min(following(mostSteps), following(this.#options.every));
  }

  /** Steps of a whole training on so many samples, in batches. */
  steps(samples: number, batch: number): number {
    return this.unit === "step" ? this.total : this.total * Math.ceil(samples / batch);
  }

  #moments(): number[] {
    return Array.from({ length: this.total + 1 }, (_, moment) => moment);
  }
}
