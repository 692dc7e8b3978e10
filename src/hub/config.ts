// The config.json of a Hugging Face folder. Keys equal to a class's default may be absent, so every family gives its
// own defaults. Keys that a family does not read are ignored, as in transformers.
import { UserError } from "../core/index.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The keys of a config.json, with checked types. `path` names the file in errors. */
export class Config {
  constructor(
    readonly path: string,
    readonly keys: JsonObject,
    /** The path of the keys within the file, for errors: `rope_parameters.`. */
    private readonly within = "",
    /** What to do about a setting that layerwise does not evaluate. */
    private readonly advice = forDistances,
  ) {}

  has(key: string): boolean {
    return this.keys[key] !== undefined && this.keys[key] !== null;
  }

  /**
   * A number; null counts as absent. Throws {@link UserError} if it has another type, or is absent and has no default.
   */
  number(key: string, absent?: number): number {
    const value = this.keys[key] ?? absent;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.fault(key, value === undefined ? "is missing" : `is ${JSON.stringify(value)}, not a number`);
  }

  /** A positive integer. */
  size(key: string, absent?: number): number {
    const value = this.number(key, absent);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw this.fault(key, `is ${value}, not a positive integer`);
  }

  /** A positive integer; null if the key is null. */
  sizeOrNull(key: string, absent: number | null): number | null {
    const value = this.keys[key];
    return value === null || (value === undefined && absent === null) ? null : this.size(key, absent ?? undefined);
  }

  flag(key: string, absent: boolean): boolean {
    const value = this.keys[key] ?? absent;
    if (typeof value === "boolean") return value;
    throw this.fault(key, `is ${JSON.stringify(value)}, not true or false`);
  }

  text(key: string, absent?: string): string {
    const value = this.keys[key] ?? absent;
    if (typeof value === "string") return value;
    throw this.fault(key, value === undefined ? "is missing" : `is ${JSON.stringify(value)}, not a string`);
  }

  /** A list of `length` entries, each checked by `is`. */
  list<T extends Json>(key: string, length: number, is: (value: Json) => value is T): readonly T[] {
    const value = this.keys[key];
    if (Array.isArray(value) && value.length === length && value.every(is)) return value;
    throw this.fault(key, `is not a list of ${length} entries of the right type`);
  }

  /** Positive integers; exactly `length` of them if it is given. */
  sizes(key: string, absent: readonly number[], length?: number): readonly number[] {
    const value = this.keys[key] ?? absent;
    const isSize = (n: Json): n is number => isNumber(n) && Number.isSafeInteger(n) && n > 0;
    if (Array.isArray(value) && value.length > 0 && value.length === (length ?? value.length) && value.every(isSize))
      return value;
    throw this.fault(key, `is not a list of ${length === undefined ? "" : `${length} `}positive integers`);
  }

  /** The object under a key; undefined if it is absent or null. */
  part(key: string): Config | undefined {
    const value = this.keys[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "object" && !Array.isArray(value))
      return new Config(this.path, value as JsonObject, `${this.within}${key}.`, this.advice);
    throw this.fault(key, "is not an object");
  }

  /** Throws {@link UserError} for an unsupported value. Null and absent keys are always accepted. */
  only(key: string, ...handled: readonly Json[]): void {
    const value = this.keys[key];
    if (value === undefined || value === null || handled.includes(value)) return;
    throw this.unsupported(key, `is ${JSON.stringify(value)}, which layerwise does not evaluate`);
  }

  /** The same config with some keys changed. */
  with(keys: JsonObject): Config {
    return new Config(this.path, { ...this.keys, ...keys }, this.within, this.advice);
  }

  /** The error for a setting that contradicts others, or has the wrong type. */
  fault(key: string, what: string): UserError {
    return new UserError(
      `${this.path}: ${this.within}${key} ${what}. Give a folder whose config.json matches its weights.`,
    );
  }

  /** The error for a setting that layerwise does not evaluate. */
  unsupported(key: string, what: string): UserError {
    return new UserError(`${this.path}: ${this.within}${key} ${what}. ${this.advice}`);
  }
}

/** What works with a folder whose network is not supported. */
export const forDistances = "For distances and merges, give the weight files.";

export const isNumber = (value: Json): value is number => typeof value === "number";
