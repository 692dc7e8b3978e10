// On a cluster a task should take seconds at least: short ones of a group are done one after the other in one process, a bundle.
import type { Task } from "./task.ts";

/** Seconds that a bundle should take. */
const wanted = 20;
/** Bundles of an array at most; Slurm's own limit is 1001 where the site did not change it. */
const longest = 1000;

/** Tasks that are submitted as one array: bundles of like tasks (a large group has several arrays), and the groups that must be done before. */
export interface Stage {
  readonly group: string;
  readonly after: readonly string[];
  readonly cpus: number;
  /** Keys of tasks, a bundle each. */
  readonly bundles: readonly (readonly string[])[];
}

/** The stages of some tasks, in an order in which they can be submitted. */
export function stagesOf(tasks: readonly Task[]): Stage[] {
  const groupOf = new Map(tasks.map((task) => [task.key, task.group]));
  const groups = new Map<string, Task[]>();
  for (const task of tasks) groups.set(task.group, [...(groups.get(task.group) ?? []), task]);
  const after = new Map(
    [...groups].map(([group, members]) => [
      group,
      [...new Set(members.flatMap((task) => (task.after ?? []).flatMap((key) => groupOf.get(key) ?? [])))],
    ]),
  );
  const ordered: string[] = [];
  const place = (group: string, from: readonly string[]) => {
    if (ordered.includes(group)) return;
    if (from.includes(group)) throw new Error(`groups wait for each other: ${[...from, group].join(", ")}`);
    for (const before of after.get(group)!) place(before, [...from, group]);
    ordered.push(group);
  };
  for (const group of groups.keys()) place(group, []);
  return ordered.flatMap((group) => {
    const members = groups.get(group)!;
    const bundles = pack(members);
    const cpus = Math.max(...members.map((task) => task.cpus));
    const arrays = Array.from({ length: Math.ceil(bundles.length / longest) }, (_, i) =>
      bundles.slice(i * longest, (i + 1) * longest),
    );
    return arrays.map((part) => ({ group, after: after.get(group)!, cpus, bundles: part }));
  });
}

/** Neighbours together until a bundle is long enough; a task of unknown length is a bundle of its own. */
function pack(tasks: readonly Task[]): string[][] {
  const bundles: string[][] = [];
  let length = wanted;
  for (const { key, seconds = wanted } of tasks) {
    if (length + seconds > wanted) {
      bundles.push([]);
      length = 0;
    }
    bundles.at(-1)!.push(key);
    length += seconds;
  }
  return bundles;
}
