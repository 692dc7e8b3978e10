// JSON files of a folder.
import { basename } from "node:path";
import { readText, UserError } from "../core/index.ts";
import type { JsonObject } from "./config.ts";

/** The object in a JSON file. Throws {@link UserError} if it does not contain one. */
export async function readJson(path: string): Promise<JsonObject> {
  const text = await readText(path);
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${(error as Error).message}. Copy ${basename(path)} again.`, {
      cause: error,
    });
  }
  throw new UserError(`${path} is not a JSON object. Copy ${basename(path)} again.`);
}
