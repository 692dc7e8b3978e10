// Names like `org/model` in the local Hugging Face cache. Layout, as in the Python tools: models--ORG--MODEL with
// `refs` (a branch's commit) and `snapshots` (a folder for each commit). Nothing is downloaded.
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isCheckpointName } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";

/** The folder of the cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in ~/.cache/huggingface. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HF_HUB_CACHE) return env.HF_HUB_CACHE;
  if (env.HUGGINGFACE_HUB_CACHE) return env.HUGGINGFACE_HUB_CACHE;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
  return join(home, "hub");
}

const isName = (text: string) =>
  !isCheckpointName(text) && /^[\w.-]+(\/[\w.-]+)?(@[\w./-]+)?$/.test(text) && !/^\.+(\/|$)/.test(text);

/** The hub name of a path: `org/model`, or a snapshot in the cache; undefined for other folders. */
export function hubNameOf(path: string): string | undefined {
  if (!existsSync(path)) return isName(path) && path.includes("/") ? path.split("@")[0] : undefined;
  const [, name] = /(?:^|[\\/])models--([^\\/]+)[\\/]snapshots[\\/][^\\/]+[\\/]?$/.exec(realpathSync(path)) ?? [];
  return name?.replaceAll("--", "/");
}

/**
 * The folder of a model: `path` itself if it exists, else the snapshot of that name in the cache. A branch, tag or
 * commit other than `main` follows an `@`. Other paths are returned unchanged.
 * @throws {UserError} for a name that is not in the cache
 * @example findModel("EleutherAI/pythia-70m@step1000")
 */
export function findModel(path: string, cache = cacheFolder()): string {
  if (existsSync(path) || !isName(path)) return path;
  const [name, revision = "main"] = path.split("@");
  const folder = join(cache, `models--${name.replaceAll("/", "--")}`);
  if (!existsSync(folder)) {
    if (!name.includes("/")) return path; // a missing file
    throw new UserError(
      `${path} is neither a path nor a model in the Hugging Face cache (${cache}). Check the path, or download it with: hf download ${name}`,
    );
  }
  const snapshots = join(folder, "snapshots");
  const ref = join(folder, "refs", revision);
  const commit = existsSync(ref) && statSync(ref).isFile() ? readFileSync(ref, "utf8").trim() : revision;
  const snapshot = join(snapshots, commit);
  if (existsSync(snapshot)) return snapshot;
  const there = existsSync(snapshots) ? readdirSync(snapshots) : [];
  const matches = there.filter((one) => one.startsWith(commit));
  if (matches.length === 1) return join(snapshots, matches[0]);
  throw new UserError(
    `The Hugging Face cache contains ${name}, but not its revision ${revision} (${folder}). Download it with: hf download ${name} --revision ${revision}`,
  );
}
