import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasShared, sharedPath } from "../../test/shared.ts";
import { fetchData } from "./fetch.ts";
import { filesInTar } from "./tar.ts";

let server: Server;
let dir: string;
/** The server's next response. */
let behaviour: { status?: number; cutAfter?: number; ranges: boolean } = { ranges: true };
/** The response to cut. Node 22 and later lose what fetch() has not yielded when the connection breaks. */
let answer: ServerResponse | undefined;
const asked: (string | undefined)[] = [];
const text = hasShared ? readFileSync(sharedPath("data/shakespeare/input.txt")) : Buffer.from("");

beforeAll(async () => {
  server = createServer((request, response) => {
    const { range } = request.headers;
    asked.push(range);
    if (behaviour.status) return void response.writeHead(behaviour.status).end();
    const from = behaviour.ranges && range ? Number(/\d+/.exec(range)![0]) : 0;
    const body = text.subarray(from);
    response.writeHead(from ? 206 : 200, { "content-length": body.length });
    if (behaviour.cutAfter === undefined) response.end(body);
    else {
      answer = response;
      response.write(body.subarray(0, behaviour.cutAfter));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.LAYERWISE_MIRROR = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`;
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "layerwise-fetch-"));
  behaviour = { ranges: true };
  asked.length = 0;
  return () => rmSync(dir, { recursive: true, force: true });
});
afterAll(() => {
  delete process.env.LAYERWISE_MIRROR;
  server.close();
});

const input = () => join(dir, "shakespeare", "input.txt");

describe.skipIf(!hasShared)("fetching a data set (../shared/data)", () => {
  it("downloads, verifies and unpacks", async () => {
    let last = 0;
    await fetchData("shakespeare", { dir, onProgress: (bytes) => (last = bytes) });
    expect(readFileSync(input())).toEqual(text);
    expect(last).toBe(text.length);
    expect(existsSync(join(dir, "input.txt.part"))).toBe(false);
  });

  it("resumes an interrupted download", async () => {
    behaviour.cutAfter = 100_000;
    const cut = fetchData("shakespeare", { dir, onProgress: () => answer?.destroy() });
    await expect(cut).rejects.toThrow(/interrupted after \d+ bytes.*Run the command again/);
    expect(existsSync(input())).toBe(false);
    behaviour = { ranges: true };
    await fetchData("shakespeare", { dir });
    expect(asked[1]).toMatch(/^bytes=\d+-$/);
    expect(readFileSync(input())).toEqual(text);
  });

  it("starts again if the server cannot resume", async () => {
    writeFileSync(join(dir, "input.txt.part"), "rubbish");
    behaviour = { ranges: false };
    await fetchData("shakespeare", { dir });
    expect(readFileSync(input())).toEqual(text);
  });

  it("accepts a local file", async () => {
    await fetchData("shakespeare", { dir, from: sharedPath("data/shakespeare/input.txt") });
    expect(asked).toEqual([]);
    expect(readFileSync(input())).toEqual(text);
  });
});

describe("fetching", () => {
  it("refuses a file other than the published one, and leaves nothing behind", async () => {
    const other = join(dir, "other");
    writeFileSync(other, "something else");
    await expect(fetchData("shakespeare", { dir, from: other })).rejects.toThrow(/is not the published file/);
    expect(existsSync(input())).toBe(false);
  });

  it("reports a server's error, and the available archives", async () => {
    behaviour.status = 404;
    await expect(fetchData("cifar10", { dir })).rejects.toThrow(/responds with 404.*--from/);
    await expect(fetchData("cifar1", { dir })).rejects.toThrow(/did you mean cifar10/);
  });

  it("reads the files in a tar archive", async () => {
    const header = Buffer.alloc(512);
    header.write("folder/name.bin");
    header.write("00000000005\0", 124);
    header.write("0", 156);
    const archive = Buffer.concat([header, Buffer.from("hello".padEnd(512, "\0")), Buffer.alloc(1024)]);
    const files = [];
    for await (const file of filesInTar(Readable.from([archive.subarray(0, 700), archive.subarray(700)])))
      files.push(file);
    expect(files.map(({ name, content }) => [name, Buffer.from(content).toString()])).toEqual([
      ["folder/name.bin", "hello"],
    ]);
  });
});
