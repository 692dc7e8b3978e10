import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { removeUnfinished } from "../files.ts";
import { takeLock } from "./lock.ts";
import { writerOf } from "./owner.ts";

const folder = mkdtempSync(join(tmpdir(), "layerwise-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A pid that no process has. */
const gone = 1_999_999;
const lockOf = (name: string, owner: object, ageSeconds = 0) => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(owner));
  const then = Date.now() / 1000 - ageSeconds;
  utimesSync(path, then, then);
  return path;
};

describe("a lock", () => {
  it("is held by one process, and released", async () => {
    const path = join(folder, ".one.lock");
    const lock = await takeLock(path);
    expect("release" in lock).toBe(true);
    const second = await takeLock(path);
    expect(second).toMatchObject({ owner: { pid: process.pid, host: hostname() } });
    writeFileSync(path, "of another that took it over");
    if ("release" in lock) await lock.release();
    expect(readFileSync(path, "utf8")).toBe("of another that took it over");
    rmSync(path);
    const third = await takeLock(path);
    if ("release" in third) await third.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("goes to one of many that request it at once, also where a dead process holds it", async () => {
    for (let round = 0; round < 20; round++) {
      const path = lockOf(".many.lock", { pid: gone, host: hostname() });
      const locks = await Promise.all(Array.from({ length: 20 }, () => takeLock(path)));
      expect(locks.filter((lock) => "release" in lock)).toHaveLength(1);
      rmSync(path);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a dead process is taken over; of a remote one only after a long time without a heartbeat, or by the same job restarted", async () => {
    const taken = async (path: string) => {
      const lock = await takeLock(path);
      rmSync(path);
      return "release" in lock;
    };
    expect(await taken(lockOf(".dead.lock", { pid: gone, host: hostname() }))).toBe(true);
    expect(await taken(lockOf(".rubbish.lock", {}))).toBe(true);
    // a restarted container
    expect(await taken(lockOf(".same-pid.lock", { pid: process.pid, host: hostname() }))).toBe(true);
    const parent = { pid: process.ppid, host: hostname() };
    expect(await taken(lockOf(".living.lock", parent))).toBe(false);
    expect(await taken(lockOf(".reused-pid.lock", { ...parent, started: "1" }))).toBe(existsSync("/proc/self/stat"));
    expect(await taken(lockOf(".far.lock", { pid: gone, host: "elsewhere" }, 60))).toBe(false);
    expect(await taken(lockOf(".silent.lock", { pid: gone, host: "elsewhere" }, 600))).toBe(true);
    process.env.SLURM_JOB_ID = "77";
    expect(await taken(lockOf(".again.lock", { pid: gone, host: "elsewhere", job: "77" }))).toBe(true);
    expect(await taken(lockOf(".other.lock", { pid: gone, host: "elsewhere", job: "78" }))).toBe(false);
    delete process.env.SLURM_JOB_ID;
  });
});

it("removes what dead processes left, and nothing else", async () => {
  const part = (host: string, pid: number) => `.x.json~${host}~${pid}~0123abcd.part`;
  const kept = [part(hostname(), process.pid), part("elsewhere", gone), "x.part", "x.lock"];
  const left = [part(hostname(), gone), ".x.lock"];
  for (const name of [...kept, ...left])
    writeFileSync(join(folder, name), JSON.stringify({ pid: gone, host: hostname() }));
  expect(writerOf(join(folder, part("a.b-c", 12)))).toEqual({ host: "a.b-c", pid: 12 });
  await removeUnfinished(folder);
  expect(kept.every((name) => existsSync(join(folder, name)))).toBe(true);
  expect(left.some((name) => existsSync(join(folder, name)))).toBe(false);
  expect(readFileSync(join(folder, "x.part"), "utf8")).toContain(`${gone}`);
});
