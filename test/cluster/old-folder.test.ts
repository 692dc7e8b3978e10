// Job folders of layerwise 0.4: tasks.json, `begun` in job.json, and scripts that call `layerwise task`.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { jobPath, readJob, readUnits, writeJob } from "../../src/jobs/index.ts";
import { temporaryFolder } from "../checkpoints.ts";
import { cli } from "./cluster.ts";

const id = "fig02-3fa1c";
let runs = "";

/** A job of two units, one of them done, whose queue is empty. */
beforeEach(() => {
  runs = temporaryFolder();
  const path = jobPath(runs, id);
  const write = (name: string, value: unknown) => writeFileSync(join(path, name), JSON.stringify(value));
  const task = (key: string) => ({
    key,
    argv: [process.execPath, "-e", `require("node:fs").writeFileSync(${JSON.stringify(join(runs, key))}, "")`],
    result: join(runs, key),
    cpus: 1,
    group: "all",
  });
  mkdirSync(join(path, "submit-1"), { recursive: true });
  write("job.json", {
    schema: "layerwise/job@1",
    id,
    command: ["reproduce", "fig2"],
    cwd: runs,
    begun: "2026-11-02T09:30:00.000Z",
    environment: {},
  });
  for (const name of ["tasks.json", "submit-1/tasks.json"]) write(name, [task("first"), task("second")]);
  write("submit-1/stages.json", [{ group: "all", after: [], cpus: 1, bundles: [["first", "second"]] }]);
  writeFileSync(join(runs, "first"), "");
  mkdirSync(join(runs, "bin"));
  writeFileSync(join(runs, "bin/squeue"), "#!/bin/sh\n");
  chmodSync(join(runs, "bin/squeue"), 0o755);
});

function layerwise(...args: string[]): string {
  const PATH = `${join(runs, "bin")}${delimiter}${process.env.PATH}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], {
    encoding: "utf8",
    env: { ...process.env, PATH },
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

it("are listed and shown", () => {
  expect(layerwise("jobs", "--runs", runs)).toBe(
    `${id}  1 of 2 units done, 1 not started\n  started 2026-11-02 09:30 UTC: layerwise reproduce fig2\n`,
  );
  expect(layerwise("jobs", "show", id, "--runs", runs)).toContain("\n  not started second\n");
  const { schema, jobs } = JSON.parse(layerwise("jobs", "--json", "--runs", runs));
  expect([schema, jobs[0].started, jobs[0].units.length]).toEqual(["layerwise/jobs@2", "2026-11-02T09:30:00.000Z", 2]);
});

it("run: a script that was submitted earlier calls `layerwise task`", () => {
  expect(layerwise("task", jobPath(runs, id), "1", "0", "0")).toBe("second: done\n");
  expect(existsSync(join(runs, "second"))).toBe(true);
  expect(layerwise("unit", jobPath(runs, id), "1", "0", "0")).toBe("");
});

it("resume under the new names and keep their start time", async () => {
  const path = jobPath(runs, id);
  await writeJob({ ...(await readJob(path)), started: "later" }, await readUnits(path));
  expect(readdirSync(path).sort()).toEqual(["job.json", "submit-1", "units.json"]);
  expect(JSON.parse(readFileSync(join(path, "job.json"), "utf8"))).toMatchObject({
    schema: "layerwise/job@2",
    started: "2026-11-02T09:30:00.000Z",
  });
  expect((await readUnits(path)).map(({ key }) => key)).toEqual(["first", "second"]);
});
