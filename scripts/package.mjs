// A step of `npm test`: packs what `npm publish` would upload and checks it. Reads dist/ as built; needs no network.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { npm, root, run } from "./setup.mjs";

const megabytes = 8;
const folder = mkdtempSync(join(tmpdir(), "layerwise-"));
try {
  const [{ filename, size, files }] = pack();
  const paths = new Set(files.map(({ path }) => path));
  const faults = [...missing(paths), ...surplus(paths), ...brokenLinks(paths), ...tooLarge(size)];
  if (faults.length) {
    console.error(faults.join("\n"));
    process.exitCode = 1;
  } else {
    console.log(`${filename}: ${files.length} files, ${(size / 1e6).toFixed(1)} MB`);
    const tarball = join(folder, filename);
    run(join(root, "node_modules/.bin/publint"), ["run", "--strict", tarball]);
    const style = ["--format", "ascii", "--no-summary", "--no-emoji"];
    run(join(root, "node_modules/.bin/attw"), ["--profile", "esm-only", ...style, tarball]);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function pack() {
  const words = ["pack", "--json", "--ignore-scripts", "--dry-run=false", "--pack-destination", folder];
  const shell = process.platform === "win32";
  const packed = JSON.parse(execFileSync(npm, [...words, "--loglevel=error"], { cwd: root, encoding: "utf8", shell }));
  return Array.isArray(packed) ? packed : Object.values(packed); // npm 12: an object, by name
}

/** The code, recipes and data that the commands read. */
function missing(paths) {
  const filesIn = (top) =>
    readdirSync(join(root, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        posix.join(
          ...join(entry.parentPath, entry.name)
            .slice(root.length + 1)
            .split(/[\\/]/),
        ),
      );
  const compiled = filesIn("src")
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .flatMap((path) => [".js", ".d.ts"].map((end) => path.replace(/^src/, "dist").replace(/\.ts$/, end)));
  const data = ["bin", "recipes", "embedded"].flatMap(filesIn).filter((path) => !path.includes("/cifar10-sample/"));
  return [...compiled, ...data]
    .filter((path) => !paths.has(path))
    .map((path) => `The package does not contain ${path}. Run npm run build, or add it to "files" in package.json.`);
}

function surplus(paths) {
  return [...paths]
    .filter((path) => /\.test\.|\.map$|(^|\/)\.|^(src|test|bench)\/|cifar10-sample\//.test(path))
    .map((path) => `The package contains ${path}, which no command reads. Exclude it in "files" in package.json.`);
}

/** Links of documents to files that are not in the package, and source maps that are named but absent. */
function brokenLinks(paths) {
  const isThere = (path) => paths.has(path) || [...paths].some((one) => one.startsWith(`${path.replace(/\/$/, "")}/`));
  const linked = { md: /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g, js: /^\/\/# sourceMappingURL=(\S+)$/gm };
  return [...paths].flatMap((path) => {
    const pattern = linked[path.split(".").at(-1)];
    if (!pattern) return [];
    return [...readFileSync(join(root, path), "utf8").matchAll(pattern)]
      .map(([, target]) => posix.join(posix.dirname(path), target))
      .filter((target) => !isThere(target))
      .map(
        (target) =>
          `${path} refers to ${target}, which the package does not contain. Add it to "files", or remove the link.`,
      );
  });
}

function tooLarge(size) {
  return size > megabytes * 1e6 ? [`The package has ${size} bytes; the limit is ${megabytes} MB.`] : [];
}
