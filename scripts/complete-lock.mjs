// After `npm install`: adds to the lock file the optional packages of other platforms that the registry in use lacks.
// npm omits them silently, and then `npm ci` rejects the lock file. They have no checksum; on those platforms npm
// fetches them by name and version. It also removes the mark of the runtime's install script, which downloads CUDA
// parts, so that no version of npm runs it in a clone (docs/command-line.md, Install).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const processors = {
  arm64: "arm64",
  x64: "x64",
  arm: "arm",
  ia32: "ia32",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  wasm32: "wasm32",
};

for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key]) continue;
    const words = name.split("/").at(-1).split("-");
    const os = systems.filter((system) => words.includes(system));
    const cpu = words.filter((word) => word in processors).map((word) => processors[word]);
    if (os.length === 0 || cpu.length === 0) throw new Error(`cannot find the platform of ${name} in its name`);
    lock.packages[key] = { version, cpu, dev: true, optional: true, os };
    console.log(`added ${name} ${version}`);
  }
}
delete lock.packages["node_modules/onnxruntime-node"].hasInstallScript;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
