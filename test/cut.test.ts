// A reproduction that is killed again and again ends with the same bytes as one that was left alone: checkpoints,
// measurements, pages, pictures.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { projectRoot, randomStream } from "../src/core/index.ts";

const folder = mkdtempSync(join(tmpdir(), "layerwise-cut-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const common = `model: { width: 2 }
data: { name: cifar10-half, samples: 200, augment: true }
`;
const recipes = {
  "one.yaml": `${common}training: { epochs: 6, batch: 48, warmup_steps: 4, keep_previous: true }
measure: { every: 3, scans: [single, deep], samples: 60 }
figure: { title: one, paper: small }
claims: [{ says: it is small, take: full, below: 9 }]
`,
  "row.yaml": `${common}training: { epochs: 6, batch: 48, warmup_steps: 4, keep_previous: true }
measure: { every: 3, scans: [full], ends: consecutive, samples: 60 }
figure: { title: row, paper: none }
`,
  "other.yaml": `${common}training: { epochs: 6, batch: 48, warmup_steps: 4 } # end a is that of the pair above
pair: { init: different }
measure: { every: 3, scans: [full], samples: 60 }
`,
  "clients.yaml": `${common}training: { steps: 12, batch: 32, warmup_steps: 4 }
federated: { clients: 2, partition: dirichlet, alpha: 1, aggregate: { every: 4, layers: ["layer4.**", fc] } }
measure: { every: 6, scans: [shallow], samples: 60, splits: [train] }
`,
};
const args = [join(projectRoot, "dist/cli/main.js"), "reproduce", ...Object.keys(recipes), "--threads", "2", "--quiet"];

/** Everything below a folder by its name: the hash of its bytes; of a log, its lines without the seconds. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(root, file)).isFile(),
  );
  return Object.fromEntries(
    files.sort().map((file) => {
      const bytes = readFileSync(join(root, file));
      if (!file.endsWith("log.ndjson")) return [file, createHash("sha256").update(bytes).digest("hex")];
      const lines = bytes.toString().split("\n").filter(Boolean);
      return [file, [...new Set(lines.map((line) => line.replace(/,"seconds":[^}]*/, "")))].sort().join("\n")];
    }),
  );
}

it("ends with the same bytes when it is killed at random moments", async () => {
  const [whole, cut] = ["whole", "cut"].map((name) => join(folder, name));
  for (const cwd of [whole, cut]) {
    mkdirSync(cwd);
    for (const [name, text] of Object.entries(recipes)) writeFileSync(join(cwd, name), text);
  }
  const start = performance.now();
  const uncut = spawnSync(process.execPath, args, { cwd: whole, encoding: "utf8" });
  const seconds = (performance.now() - start) / 1000;
  expect(uncut.stderr).toBe("");

  const random = randomStream(Date.now() % 1e6, "kills");
  for (let kill = 0; kill < 6; kill++) {
    const child = spawn(process.execPath, args, { cwd: cut, stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    setTimeout(() => child.kill("SIGKILL"), 1000 * seconds * (0.1 + 0.5 * random.uniform()));
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 300)); // its children end with it
  }
  // what a kill in the middle of drawing leaves
  for (const part of [
    `figures-quick/.report.html~${hostname()}~1999999~0123abcd.part`,
    `figures-quick/row/figures/.ends.png~${hostname()}~1999999~0123abcd.part`,
  ]) {
    mkdirSync(dirname(join(cut, "runs", part)), { recursive: true });
    writeFileSync(join(cut, "runs", part), "");
  }
  const last = spawnSync(process.execPath, args, { cwd: cut, encoding: "utf8" });
  expect(last.stderr).toBe("");
  expect(last.stdout).toBe(uncut.stdout);
  expect(contents(join(cut, "runs"))).toEqual(contents(join(whole, "runs")));
}, 400_000);

it("reproduces what was only trained before, and drops the pictures of a scan that is not asked for any more", () => {
  const cwd = join(folder, "trained");
  mkdirSync(cwd);
  const pictures = () => readdirSync(join(cwd, "runs/figures-quick/one/figures")).join(" ");
  for (const [command, scans] of [
    ["train", "[deep]"],
    ["reproduce", "[deep]"],
    ["reproduce", "[single]"],
  ]) {
    writeFileSync(join(cwd, "one.yaml"), recipes["one.yaml"].replace("[single, deep]", scans));
    const { stderr, status } = spawnSync(process.execPath, [args[0], command, "one.yaml", "--quiet"], {
      cwd,
      encoding: "utf8",
    });
    expect([stderr, status]).toEqual(["", 0]);
    if (command === "reproduce") expect(pictures().match(/deep|single/)?.[0]).toBe(scans.slice(1, -1));
  }
  expect(pictures()).not.toContain("deep");
});

it("links to a network that another run has trained, and it is what would be trained", () => {
  const [alone, shared] = ["alone", "shared"].map((name) => join(folder, name));
  const train = (cwd: string, recipe: "one.yaml" | "other.yaml") => {
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, recipe), recipes[recipe]);
    const { stderr } = spawnSync(process.execPath, [args[0], "train", recipe, "--threads", "1", "--quiet"], {
      cwd,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
  };
  train(alone, "other.yaml");
  train(shared, "one.yaml");
  train(shared, "other.yaml");
  expect(contents(join(shared, "runs"))).toMatchObject(contents(join(alone, "runs")));
  const last = (run: string) =>
    `${readdirSync(join(shared, "runs")).find((name) => name.startsWith(run))}/a/epoch-0006.safetensors`;
  const inode = (run: string) => statSync(join(shared, "runs", last(run))).ino;
  expect(inode("other")).toBe(inode("one"));
}, 60_000);

it("reports to a second command which process works in the folder", async () => {
  const cwd = join(folder, "two");
  mkdirSync(cwd);
  for (const [name, text] of Object.entries(recipes)) writeFileSync(join(cwd, name), text);
  const first = spawn(process.execPath, args, { cwd, stdio: "ignore" });
  const ended = new Promise((resolve) => first.on("exit", resolve));
  while (!existsSync(join(cwd, "runs")) || readdirSync(join(cwd, "runs")).length < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const second = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  expect(second.status).toBe(1);
  expect(second.stderr).toMatch(
    new RegExp(`^layerwise: Process ${first.pid} is using runs/one-[0-9a-f]+\\. Wait until it has finished`),
  );
  first.kill("SIGKILL");
  await ended;
}, 60_000);
