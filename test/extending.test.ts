// Follows docs/extending.md and docs/your-own-experiment.md step by step.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { parseMeasurement } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { temporaryFolder } from "./checkpoints.ts";

const main = join(projectRoot, "dist/cli/main.js");
const blocks = (file: string, language: string) =>
  [
    ...readFileSync(join(projectRoot, "docs", file), "utf8").matchAll(
      new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"),
    ),
  ].map(([, text]) => text);
const commands = (file: string) => blocks(file, "sh").flatMap((block) => block.trim().split("\n"));
const run = (line: string, cwd: string, ...more: string[]) => {
  const args = [...line.replace("npx layerwise ", "").split(" "), ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args, "--quiet"], { cwd, encoding: "utf8" });
  expect(status, `${line}\n${stderr}`).toBe(0);
  return stdout;
};

it("the four example files form one experiment", () => {
  const runs = temporaryFolder();
  const [command] = commands("extending.md");
  const printed = run(command, projectRoot, "--runs", runs);
  expect(printed).toContain("HOLDS: the full average has a barrier");
  const figure = join(runs, "figures-quick/rings");
  expect(readdirSync(join(figure, "figures"))).toEqual(
    expect.arrayContaining(["order-inside-out.svg", "order-inside-out.png"]),
  );
  const page = readFileSync(join(figure, "report.html"), "utf8");
  expect(run(`npx layerwise report ${figure}`, temporaryFolder())).toContain(join(figure, "report.html"));
  expect(readFileSync(join(figure, "report.html"), "utf8")).toBe(page);
  const [folder] = readdirSync(runs).filter((name) => name.startsWith("rings-"));
  const text = readFileSync(join(runs, folder, "measure/epoch-0030-train.json"), "utf8");
  const { cells, layers } = parseMeasurement(JSON.parse(text), folder);
  expect(layers.map(({ name }) => name)).toEqual(["left", "right", "head"]);
  const order = cells.filter(({ scan, base }) => scan.endsWith("inside-out.mjs") && base === "a").map((c) => c.layer);
  expect(order).toEqual(["right", "left", "head"]);
});

it("a custom experiment, and one with clients", () => {
  const folder = temporaryFolder();
  const recipes = blocks("your-own-experiment.md", "yaml");
  for (const recipe of recipes) writeFileSync(join(folder, `${/name: (\w+)/.exec(recipe)![1]}.yaml`), recipe);
  const [plan, first, pairs, clients] = commands("your-own-experiment.md");
  expect(run(plan, folder)).toMatch(/mine +2 networks +3 points +about/);
  expect(existsSync(join(folder, "runs"))).toBe(false);
  expect(run(first, folder)).toContain("Loss barrier of all layers by epoch:");
  expect(run(plan, folder)).toContain("everything is trained and measured.");
  expect(run(pairs, folder)).toContain("Report: runs/figures-quick/mine/report.html");
  expect(readFileSync(join(folder, "runs/figures-quick/mine/report.html"), "utf8")).toContain("<h2>Pairs</h2>");
  expect(run("npx layerwise report runs/figures-quick", folder)).toContain("runs/figures-quick/report.html");
  const shared = run(clients, folder);
  expect(shared).toContain("clients: loss barrier by epoch. All layers from the input up to the named one.");
  const [report] = readdirSync(join(folder, "runs")).filter((name) => name.startsWith("clients-"));
  expect(readFileSync(join(folder, "runs", report, "report.html"), "utf8")).toContain(
    "Samples of each class at each client",
  );
});

it("a custom network and custom samples, with other names and classes, distributed to clients", () => {
  const folder = temporaryFolder();
  const network = readFileSync(join(projectRoot, "docs/examples/two-paths.mjs"), "utf8").replace(
    '"layerwise/graph"',
    JSON.stringify(pathToFileURL(join(projectRoot, "dist/graph/index.js")).href),
  );
  const data = readFileSync(join(projectRoot, "docs/examples/rings.mjs"), "utf8");
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("net.mjs", network);
  write("data.mjs", data.replace("i % 2", "i % 3").replace("inputs: { input:", "inputs: { points:"));
  write(
    "own.yaml",
    "model: { name: net.mjs }\ndata: { name: data.mjs, augment: false }\nfederated: { partition: dirichlet, alpha: 1 }\ntraining: { epochs: 1 }\nmeasure: { every: 1, scans: [single], samples: 20 }\nclaims: [{ says: far from chance, take: distance from chance, below: 1 }]\n",
  );
  expect(run("npx layerwise reproduce own.yaml", folder)).toMatch(/: far from chance \(\d+\.\d \[/); // points of error
  write("net.mjs", network.replace('relu(layer("left"', 'rulu(layer("left"'));
  const { status, stderr } = spawnSync(process.execPath, [main, "train", "own.yaml"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect([status, stderr.trim()]).toEqual([
    1,
    "layerwise: The forward pass of two-paths fails: rulu is not defined. Fix the network.",
  ]);
});
