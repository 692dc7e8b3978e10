// Other devices: equal numbers, or an error. WebGPU runs on a software adapter, Chromium's SwiftShader, where it and
// Vulkan's loader are installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { projectRoot, type Tensor, tensor } from "../src/core/index.ts";
import { writeTensors } from "./checkpoints.ts";
import { randomTensor } from "./onnx-graphs.ts";

const adapter = "/usr/lib/chromium/vk_swiftshader_icd.json";
const loaders = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib/aarch64-linux-gnu/libvulkan.so.1"];
const isThere = existsSync(adapter) && loaders.some((path) => existsSync(path));
const folder = mkdtempSync(join(tmpdir(), "layerwise-devices-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const layerwise = (env: Record<string, string>, ...args: string[]) =>
  spawnSync(process.execPath, [join(projectRoot, "dist/cli/main.js"), ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
const recipe = `model: { width: 2 }
data: { name: cifar10-half, samples: 32, augment: false }
training: { epochs: 1, batch: 32, warmup_steps: 1 }
`;
writeFileSync(join(folder, "tiny.yaml"), recipe);

const vgg = `model: { name: vgg11, width: 1, hidden: 8 }
data: { name: "npz:images.npz", samples: 32 }
training: { epochs: 1, batch: 32, warmup_steps: 1 }
`;
writeFileSync(join(folder, "vgg.yaml"), vgg);

describe("devices", () => {
  it("that are unavailable give an error; nothing falls back to another device", () => {
    for (const [device, words] of [
      ["cuda", /^layerwise: Device cuda (cannot be used on this machine|is not available).*\n$/],
      [
        "webgpu",
        /^layerwise: Device webgpu cannot be used on this machine \(.*\)\. Install .*, or use --device cpu\.\n$/,
      ],
    ] as const) {
      const none = { VK_ICD_FILENAMES: join(folder, "none.json"), VK_DRIVER_FILES: join(folder, "none.json") };
      const { status, stderr } = layerwise(none, "train", "tiny.yaml", "--quiet", "--device", device, "--runs", device);
      expect(stderr).toMatch(words);
      expect(status).toBe(1);
      expect(existsSync(join(folder, device))).toBe(false);
    }
  });

  it.skipIf(!isThere)(
    `webgpu trains and measures like the cpu${isThere ? "" : " (no SwiftShader or no libvulkan1)"}`,
    () => {
      const env = { VK_ICD_FILENAMES: adapter, VK_DRIVER_FILES: adapter };
      const run = (device: string) => {
        const trained = layerwise(env, "train", "tiny.yaml", "--quiet", "--json", "--device", device, "--runs", device);
        expect(trained.status, trained.stderr).toBe(0);
        const { folder: run, networks } = JSON.parse(trained.stdout) as {
          folder: string;
          networks: Record<string, { loss: number }>;
        };
        const [a, b] = ["a", "b"].map((name) => join(run, name, "epoch-0001.safetensors"));
        const cells = layerwise(
          env,
          ...[
            "measure",
            a,
            b,
            "--model",
            "resnet18-nonorm",
            "--data",
            "cifar10-half",
            "--samples",
            "8",
            "--scan",
            "full",
          ],
          ...["--out", join(device, "out"), "--quiet", "--device", device],
        );
        expect(cells.status, cells.stderr).toBe(0);
        const measured = JSON.parse(readFileSync(join(folder, device, "out/measure.json"), "utf8")) as {
          cells: { loss: number }[];
          ends: Record<string, { loss: number }>;
        };
        return [networks.a.loss, networks.b.loss, measured.ends.a.loss, measured.ends.b.loss, measured.cells[0].loss];
      };
      const [cpu, webgpu] = [run("cpu"), run("webgpu")];
      for (const [i, x] of cpu.entries()) expect(Math.abs(webgpu[i] - x)).toBeLessThan(1e-4);
    },
  );

  it.skipIf(!isThere)(
    `webgpu trains networks with max pooling${isThere ? "" : " (no SwiftShader or no libvulkan1)"}`,
    async () => {
      const arrays = {
        image: randomTensor("images", [32, 3, 32, 32]),
        labels: tensor(
          "int64",
          [32],
          Array.from({ length: 32 }, (_, i) => i % 10),
        ),
      };
      await writeTensors(join(folder, "images.npz"), "npz", new Map<string, Tensor>(Object.entries(arrays)));
      const env = { VK_ICD_FILENAMES: adapter, VK_DRIVER_FILES: adapter };
      const losses = (device: string): number[] => {
        const trained = layerwise(
          env,
          "train",
          "vgg.yaml",
          "--quiet",
          "--json",
          "--device",
          device,
          "--runs",
          `vgg-${device}`,
        );
        expect(trained.status, trained.stderr).toBe(0);
        const { networks } = JSON.parse(trained.stdout) as { networks: Record<string, { loss: number }> };
        return [networks.a.loss, networks.b.loss];
      };
      const cpu = losses("cpu");
      for (const [i, x] of losses("webgpu").entries()) expect(Math.abs(x - cpu[i])).toBeLessThan(1e-4);
    },
  );
});
