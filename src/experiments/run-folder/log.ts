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

/** The entries, one for each network and epoch, in that order. A line that was cut is left out; an epoch that ran twice counts once. */
export async function readLog(folder: string): Promise<LogEntry[]> {
  const text = await readFile(logPath(folder), "utf8").catch(() => "");
  const entries = new Map<string, LogEntry>();
  for (const line of text.split("\n")) {
    try {
      const entry = JSON.parse(line) as LogEntry;
      entries.set(`${entry.network} ${entry.epoch}`, entry);
    } catch {} // an empty or cut line
  }
  return [...entries.values()].sort((x, y) => x.network.localeCompare(y.network) || x.epoch - y.epoch);
}

/** Adds an entry on a line of its own, also after a line that was cut. */
export async function appendLog(folder: string, entry: LogEntry): Promise<void> {
  const path = logPath(folder);
  await appendFile(path, `\n${JSON.stringify(entry)}`).catch((error) => {
    throw describeFileError(error, path, "write");
  });
}
