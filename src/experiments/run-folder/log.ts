// A run's training log: one JSON line for every epoch of every network, in log.ndjson.
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeFileError } from "../../core/index.ts";
import type { EpochLog } from "../../training/index.ts";

/** A line of the training log: one epoch of one network. */
export interface LogEntry extends EpochLog {
  readonly network: string;
}

const logPath = (folder: string) => join(folder, "log.ndjson");

/**
 * Reads the entries, sorted by network and epoch. Skips incomplete lines; the last entry of a repeated epoch counts.
 */
export async function readLog(folder: string): Promise<LogEntry[]> {
  const text = await readFile(logPath(folder), "utf8").catch(() => "");
  const entries = new Map<string, LogEntry>();
  for (const line of text.split("\n")) {
    try {
      const entry = JSON.parse(line) as LogEntry;
      entries.set(`${entry.network} ${entry.epoch}`, entry);
    } catch {} // an empty or incomplete line
  }
  return [...entries.values()].sort((x, y) => x.network.localeCompare(y.network) || x.epoch - y.epoch);
}

/** Appends an entry on a new line, even after an incomplete line. */
export async function appendLog(folder: string, entry: LogEntry): Promise<void> {
  const path = logPath(folder);
  await appendFile(path, `\n${JSON.stringify(entry)}`).catch((error) => {
    throw describeFileError(error, path, "write");
  });
}
