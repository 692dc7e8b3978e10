// What Ctrl-C says, and a polite kill.
let advice = "Run the same command again to go on where it stopped.";

/** Replaces what is said when the command is interrupted. */
export function onInterrupt(text: string): void {
  advice = text;
}

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.on(signal, () => {
    process.stderr.write(`\nInterrupted. ${advice}\n`);
    process.exit(status);
  });
