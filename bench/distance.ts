// `npm run bench distance`: the command's time and memory for two files of 2 GB (set GIGABYTES to change the size), and
// the time of reading both files.
import { spawn } from "node:child_process";
import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const gigabytes = Number(process.env.GIGABYTES ?? 2);
const layers = Math.ceil((gigabytes * 1e9) / (4 * 25e6)); // 100 MB each

async function write(path: string, seed: number): Promise<void> {
  const bytes = 100e6;
  const entries = Array.from({ length: layers }, (_, i) => [
    `layer${i}.weight`,
    { dtype: "F32", shape: [5000, 5000], data_offsets: [i * bytes, (i + 1) * bytes] },
  ]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const handle = await open(path, "w");
  await handle.writeFile(Buffer.concat([length, json]));
  const block = Float32Array.from({ length: 25e6 }, (_, i) => Math.sin(i * seed));
  for (let i = 0; i < layers; i++) await handle.writeFile(new Uint8Array(block.buffer));
  await handle.close();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function read(path: string): Promise<void> {
  let sum = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) sum += (chunk as Buffer).length;
  if (sum < 1) throw new Error("nothing was read");
}

/** Runs the command; returns its peak memory in MB. */
function compare(a: string, b: string): Promise<number> {
  const child = spawn(process.execPath, ["dist/cli/main.js", "distance", a, b, "--quiet", "--csv"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  let most = 0;
  const watch = setInterval(() => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      most = Math.max(most, Number(kilobytes ?? 0) / 1000);
    } catch {} // ended
  }, 20);
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      clearInterval(watch);
      if (code === 0) resolve(most);
      else reject(new Error(`distance ended with status ${code}`));
    });
  });
}

export async function benchDistance(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-bench-"));
  try {
    const [a, b] = ["a", "b"].map((name) => join(folder, `${name}.safetensors`));
    await write(a, 1);
    await write(b, 1.001);
    await read(a); // now both are in the page cache, if they fit
    await read(b);
    const reading = await timed(async () => {
      await read(a);
      await read(b);
    });
    let memory = 0;
    const comparing = await timed(async () => {
      memory = await compare(a, b);
    });
    console.log(`distance of two files of ${gigabytes} GB
  ${comparing.toFixed(1)} s, at most ${memory.toFixed(0)} MB of memory; reading both takes ${reading.toFixed(1)} s: ${(comparing / reading).toFixed(2)} times as long`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
