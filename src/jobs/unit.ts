// Units: independent commands, each with the file that it makes. A unit is done when its result file exists.
import { existsSync } from "node:fs";

export interface Unit {
  /** Its name, unique in its job. */
  readonly key: string;
  /** The command and its arguments. */
  readonly argv: readonly string[];
  /** The file that the command makes, written atomically. */
  readonly result: string;
  /** Keys of units that must be done first; a key that is not in the job counts as done. */
  readonly after?: readonly string[];
  /** Processor cores that it keeps busy. */
  readonly cpus: number;
  readonly memoryMb?: number;
  /** Units of one group are alike and have the same dependencies: a cluster gets them as one array. */
  readonly group: string;
  /** Expected duration. */
  readonly seconds?: number;
}

/**
 * The units that are not done and still needed, in the given order: the last of a chain, and what missing units need.
 */
export function findMissing(units: readonly Unit[]): Unit[] {
  const waiting = new Map<string, Unit[]>();
  for (const unit of units) for (const key of unit.after ?? []) waiting.set(key, [...(waiting.get(key) ?? []), unit]);
  const known = new Map<string, boolean>();
  const isMissing = (unit: Unit): boolean => {
    const answer = known.get(unit.key);
    if (answer !== undefined) return answer;
    known.set(unit.key, true); // ends a cycle, which the engine reports
    const own = !existsSync(unit.result);
    const missing = own && (waiting.get(unit.key)?.some(isMissing) ?? true);
    known.set(unit.key, missing);
    return missing;
  };
  return units.filter(isMissing);
}

/** The keys of the units that depend on one of `keys`, directly or not. */
export function findDependants(keys: ReadonlySet<string>, units: readonly Unit[]): Set<string> {
  const found = new Set<string>();
  for (let before = -1; found.size > before; ) {
    before = found.size;
    for (const { key, after } of units) if (after?.some((one) => keys.has(one) || found.has(one))) found.add(key);
  }
  return found;
}
