// `npm test`: types, lint, the layer rule, unused code, the package, every test. The first thing that fails ends it.
import { join } from "node:path";
import { build, install, root, run } from "./setup.mjs";

install();
const bin = (name) => join(root, "node_modules/.bin", name);
const step = (title, name, args) => {
  console.log(`\n── ${title}`);
  run(bin(name), args);
};
build();
step("types", "tsc", ["-p", "tsconfig.json"]);
step("lint", "biome", ["check", "--error-on-warnings", "."]);
step("layers", "depcruise", ["src", "--config", ".dependency-cruiser.cjs", "--output-type", "err"]);
step("unused code", "knip", []);
console.log("\n── package");
run(process.execPath, [join(root, "scripts/package.mjs")]);
step("tests", "vitest", ["run"]);
