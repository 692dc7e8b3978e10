// The message after Ctrl-C or SIGTERM.
let advice = "Rerun the same command to resume.";

/** Replaces the message for an interrupted command. */
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
