// Runs the program in docs/library.md, and checks the exports of the package.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { projectRoot } from "../src/core/index.ts";
import { temporaryFolder } from "./checkpoints.ts";

const page = readFileSync(join(projectRoot, "docs/library.md"), "utf8");
const block = (text: string, language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)![1];

it("the page's program runs", () => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, "mine.yaml"),
    block(readFileSync(join(projectRoot, "docs/your-own-experiment.md"), "utf8"), "yaml"),
  );
  const library = JSON.stringify(pathToFileURL(join(projectRoot, "dist/index.js")).href);
  writeFileSync(join(folder, "program.mjs"), block(page, "js").replace('"layerwise"', library));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], { cwd: folder, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const [report, ...cells] = stdout.trim().split("\n");
  expect(report).toMatch(/^runs\/mine-\w+\/report\.html$/);
  expect(cells).toHaveLength(2 * 21 + 1);
  expect(cells.at(-1)).toMatch(/^all layers {2}-?\d/);
});

it("the page names every export, and no other", () => {
  const source = readFileSync(join(projectRoot, "src/index.ts"), "utf8");
  const exported = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names]) =>
    names
      .split(",")
      .map((name) => name.replace("type ", "").trim())
      .filter(Boolean),
  );
  const table = page.split("\n").filter((line) => line.startsWith("| "));
  const named = table.flatMap((line) => [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(named.sort()).toEqual(exported.sort());
});

it("the package has the library and its two subpaths", () => {
  const script = `const names = await Promise.all(["layerwise", "layerwise/graph", "layerwise/checkpoints"].map((path) => import(path)));
    console.log(JSON.stringify(names.map((all) => Object.keys(all))));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: projectRoot,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  const [library, graph, checkpoints] = JSON.parse(stdout) as string[][];
  expect(library).toContain("reproduce");
  expect(graph).toEqual(expect.arrayContaining(["add", "linear", "relu", "serialise"]));
  expect(checkpoints).toEqual(expect.arrayContaining(["openCheckpoint", "writeCheckpoint"]));
});

it("the command exists before the project is built, and explains how to build it", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "bin"));
  const { bin } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { bin: { layerwise: string } };
  copyFileSync(join(projectRoot, bin.layerwise), join(folder, bin.layerwise));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const run = (path: string) =>
    spawnSync(process.execPath, [join(path, bin.layerwise), "--version"], { encoding: "utf8" });
  expect(run(folder)).toMatchObject({
    status: 1,
    stderr: `layerwise: It is not built yet. Run npm run build in ${folder}.\n`,
  });
  expect(run(projectRoot).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
