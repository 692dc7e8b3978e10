// Installs and builds only what is missing, so that `npm start` and `npm test` work on a fresh clone.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Runs a command and shows its output; exits with its status when it fails. */
export function run(command, args, options = {}) {
  const { status, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
    ...options,
  });
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Installs the dependencies from the lock file when it is newer than the installed ones. */
export function install() {
  if (modified(join(root, "node_modules/.package-lock.json")) >= modified(join(root, "package-lock.json"))) return;
  console.error("Installing the dependencies from the lock file …");
  // on standard error, since npm pack --json prints a document; installed even within npm pack --dry-run
  run(npm, ["ci", "--ignore-scripts", "--dry-run=false", "--loglevel=error"], { stdio: ["inherit", 2, 2] });
}

/** Compiles src/ into dist/ when a source file is newer than the last build. */
export function build({ force = false } = {}) {
  const newest = Math.max(
    ...readdirSync(join(root, "src"), { recursive: true }).map((file) => modified(join(root, "src", file))),
    modified(join(root, "tsconfig.build.json")),
  );
  if (!force && modified(join(root, "dist/.built")) >= newest) return;
  console.error("Building …");
  run(process.execPath, [join(root, "scripts/compile.mjs")]);
}
