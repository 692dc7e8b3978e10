// Old names of options and settings work for one version, with a note.

/** Prints a one-line note on standard error. */
export function noteRenamed(old: string, name: string): void {
  console.error(`Note: ${old} is renamed to ${name}; the old name will be removed in the next version.`);
}
