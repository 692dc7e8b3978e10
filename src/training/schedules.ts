// Learning-rate schedules. Steps and epochs are counted from 0.

/** The learning rate of a step, which is in the given epoch. */
export type Schedule = (step: number, epoch: number) => number;

export interface ScheduleOptions {
  kind: "cosine" | "constant" | "step";
  rate: number;
  /** Steps of the linear warm-up from 1e-4. */
  warmupSteps: number;
  /** Length of the cosine, in epochs (or steps, where the training counts those). */
  epochs: number;
  /** For `step`: the rate is multiplied by `factor` every `period` epochs or steps (PyTorch's StepLR). */
  period?: number;
  factor?: number;
}

/** The paper's schedule: linear warm-up over steps, then by `kind` a cosine to zero over epochs, constant, or steps. */
export function schedule({ kind, rate, warmupSteps, epochs, period = 30, factor = 0.5 }: ScheduleOptions): Schedule {
  const start = Math.min(1e-4, rate);
  const shapes = {
    cosine: (epoch: number) => (rate / 2) * (1 + Math.cos((Math.PI * epoch) / epochs)),
    constant: () => rate,
    step: (epoch: number) => rate * factor ** Math.floor(epoch / period),
  };
  return (step, epoch) => (step < warmupSteps ? start + ((rate - start) * step) / warmupSteps : shapes[kind](epoch));
}
