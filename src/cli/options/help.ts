// The order and the groups of options in --help. Most needed options come first, under "Options:".
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** Headings of further groups, in order, with the long names of their options. */
const groups: Readonly<Record<string, readonly string[]>> = {
  "Measurement:": [
    "base",
    "alpha",
    "group",
    "order-seed",
    "baseline",
    "stats",
    "precision",
    "tolerance",
    "metric",
    "from-mergekit",
    "mergekit",
  ],
  "Data:": ["split", "data-dir", "size", "mean", "std", "context"],
  "Network:": [
    "key",
    "width",
    "hidden",
    "heads",
    "blocks",
    "dim",
    "task",
    "output",
    "head",
    "classes",
    "allow-nonfinite",
  ],
  "Computing:": ["device", "threads", "memory", "batch"],
  "Cluster:": ["engine", "partition", "account", "gres", "time", "mem", "cpus-per-task", "max-units", "piece"],
};
const common = ["json", "quiet", "debug"];

/** Sorts a command's options into groups. Options in `first` are in the main group, in this order. */
export function groupOptions(command: CommandUnknownOpts, first: readonly string[]): CommandUnknownOpts {
  const order = [...first, ...common];
  for (const [heading, names] of Object.entries(groups))
    for (const name of names) {
      if (order.includes(name)) continue;
      order.push(name);
      command.options.find((option) => nameOf(option) === name)?.helpGroup(heading);
    }
  const place = (option: Option) => order.indexOf(nameOf(option));
  (command.options as Option[]).sort((x, y) => place(x) - place(y));
  return command;
}

const nameOf = (option: Option) => option.long!.slice(2);
