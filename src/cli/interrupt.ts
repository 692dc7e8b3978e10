// What Ctrl-C says.
let advice = "Run the same command again to go on where it stopped.";

/** Replaces what is said when the command is interrupted. */
export function onInterrupt(text: string): void {
  advice = text;
}

process.on("SIGINT", () => {
  process.stderr.write(`\nInterrupted. ${advice}\n`);
  process.exit(130);
});
