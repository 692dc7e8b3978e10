// Starting a process on a cluster costs seconds, so short units of a group run one after the other in one process: a
// bundle.
import type { Unit } from "./unit.ts";

/** Seconds that a bundle should take. */
const targetSeconds = 20;
/** Bundles per array; Slurm's default limit is 1001 elements. */
const maxBundles = 1000;

/** One array of bundles, and the groups that must be done first. A large group has several stages. */
export interface Stage {
  readonly group: string;
  readonly after: readonly string[];
  readonly cpus: number;
  /** Keys of the units in each bundle. */
  readonly bundles: readonly (readonly string[])[];
}

/** Splits units into stages, each after the stages that it depends on. */
export function planStages(units: readonly Unit[]): Stage[] {
  const groupOf = new Map(units.map((unit) => [unit.key, unit.group]));
  const groups = new Map<string, Unit[]>();
  for (const unit of units) groups.set(unit.group, [...(groups.get(unit.group) ?? []), unit]);
  const after = new Map(
    [...groups].map(([group, members]) => [
      group,
      [...new Set(members.flatMap((unit) => (unit.after ?? []).flatMap((key) => groupOf.get(key) ?? [])))],
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
    const cpus = Math.max(...members.map((unit) => unit.cpus));
    const arrays = Array.from({ length: Math.ceil(bundles.length / maxBundles) }, (_, i) =>
      bundles.slice(i * maxBundles, (i + 1) * maxBundles),
    );
    return arrays.map((part) => ({ group, after: after.get(group)!, cpus, bundles: part }));
  });
}

/** Puts neighbours together until a bundle is long enough; a unit of unknown duration has its own bundle. */
function pack(units: readonly Unit[]): string[][] {
  const bundles: string[][] = [];
  let length = targetSeconds;
  for (const { key, seconds = targetSeconds } of units) {
    if (length + seconds > targetSeconds) {
      bundles.push([]);
      length = 0;
    }
    bundles.at(-1)!.push(key);
    length += seconds;
  }
  return bundles;
}

/** `12 units in 3 processes`. */
export function countUnits({ bundles }: Pick<Stage, "bundles">): string {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return `${count(bundles.flat().length, "unit", "units")} in ${count(bundles.length, "process", "processes")}`;
}
