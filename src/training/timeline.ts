// The timeline of a training, counted in epochs, or in steps for a text, whose windows are drawn at random. Its moments
// are integers from 0 (the initialisation) to the total; checkpoints, measurements and federated rounds happen at them.

/** Largest number of steps between two snapshots. */
const mostSteps = 100;

export interface TimelineOptions {
  /** One of the two. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Epochs or steps between measurements. */
  readonly every: number;
  /** Also keeps the checkpoint before each measured one. */
  readonly keepsPrevious?: boolean;
  /** Length of a federated round; default one round, the whole training. */
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
   * Whether the checkpoint of a moment is kept: it is measured, a round ends there, or it precedes a measured one and
   * `keepsPrevious` is set.
   */
  isKept(moment: number): boolean {
    const { keepsPrevious, round } = this.#options;
    return (
      this.#isMeasured(moment) ||
      (keepsPrevious === true && this.#isMeasured(moment + 1)) ||
      (round !== undefined && moment % round === 0)
    );
  }

  /** The measured moments: 0, every multiple of `every`, and the last. */
  get measured(): number[] {
    return this.#moments().filter((moment) => this.#isMeasured(moment));
  }

  /** The moments whose checkpoints are kept, ascending. */
  get kept(): number[] {
    return this.#moments().filter((moment) => this.isKept(moment));
  }

  /** The first and last moment of each federated round; the last round may be shorter. */
  get rounds(): { from: number; until: number }[] {
    const { round = this.total } = this.#options;
    return Array.from({ length: Math.ceil(this.total / round) }, (_, i) => ({
      from: i * round,
      until: Math.min((i + 1) * round, this.total),
    }));
  }

  /**
   * The next snapshot after a moment: the next epoch, or at most a hundred steps later, and never after the next
   * measured moment.
   */
  nextSnapshot(moment: number): number {
    if (this.unit === "epoch") return moment + 1;
    const following = (of: number) => moment - (moment % of) + of;
    return Math.min(following(mostSteps), following(this.#options.every));
  }

  /** The number of steps of the whole training, for a number of samples and a batch size. */
  steps(samples: number, batch: number): number {
    return this.unit === "step" ? this.total : this.total * Math.ceil(samples / batch);
  }

  #moments(): number[] {
    return Array.from({ length: this.total + 1 }, (_, moment) => moment);
  }
}
