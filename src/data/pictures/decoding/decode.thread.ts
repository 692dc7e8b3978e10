// The thread that reads and decodes images, while the program waits or uses the previous ones.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { decode } from "./decode.ts";
import type { Answer, Encoded, Order, Outcome, Start } from "./orders.ts";
import { readImage } from "./rows.ts";

const { default: sharp } = await import("sharp");
sharp.cache(false);

async function carryOut(image: Encoded, areHashes: boolean): Promise<Outcome> {
  try {
    const bytes = "row" in image ? await readImage(image) : await readFile(image.path);
    if (areHashes) return { hash: createHash("sha256").update(bytes).digest("hex") };
    return { picture: await decode(bytes, sharp) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

parentPort!.on("message", ({ port, answers }: Start) => {
  port.on("message", async ({ id, images, areHashes }: Order) => {
    const outcomes = await Promise.all(images.map((image) => carryOut(image, areHashes)));
    port.postMessage({ id, outcomes } satisfies Answer);
    Atomics.add(answers, 0, 1);
    Atomics.notify(answers, 0);
  });
  parentPort!.postMessage("ready");
});
