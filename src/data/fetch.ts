// Downloads a data set's official archive, verifies its checksum, and unpacks it for --data-dir. An interrupted
// download resumes from its `.part` file. Files appear under their own names only after the checksum has been verified.
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { open, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createGunzip } from "node:zlib";
import { describeFileError, listSome, makeFolder, nearest, UserError, writeAtomic } from "../core/index.ts";
import { type Archive, archives } from "./archives.ts";
import { dataSources } from "./registry.ts";
import { filesInTar } from "./tar.ts";

/** Where data sets are kept, and where an archive comes from. */
export interface FetchOptions {
  /** The folder of all data sets. */
  readonly dir: string;
  /** A local archive to use in place of a download. */
  readonly from?: string;
  /** Called with the bytes that are here and their total. */
  readonly onProgress?: (bytes: number, total: number) => void;
}

/**
 * Downloads a data set's official archive, verifies its published checksum and unpacks it; returns the folder that
 * holds the files. An interrupted download resumes. Throws a {@link UserError} for an unknown name, a failed download
 * or a wrong checksum.
 * @param options The folder of all data sets; a local archive.
 * @example
 * ```ts
 * import { fetchData } from "layerwise";
 *
 * const error = await fetchData("cifar11", { dir: "data" }).catch((error) => error);
 * console.log(error.message.includes("did you mean cifar10?")); // true
 * ```
 */
export async function fetchData(name: string, { dir, from, onProgress }: FetchOptions): Promise<string> {
  const archive = archives[name];
  if (!archive) {
    if (dataSources.some((source) => source.name === name))
      throw new UserError(
        `${name} is included in layerwise: there is nothing to download. Use it with --data ${name}.`,
      );
    const near = nearest(name, Object.keys(archives));
    throw new UserError(
      `There is no archive of ${name}${near ? `; did you mean ${near}?` : "."} Available are ${listSome(Object.keys(archives))}.`,
    );
  }
  await makeFolder(dir).catch((error) => Promise.reject(describeFileError(error, dir, "write")));
  const file = from ?? join(dir, `${basename(archive.url)}.part`);
  if (!from) await download(addressOf(archive), file, archive, onProgress);
  const found = await checksum(file, archive.algorithm);
  if (found !== archive.hash) {
    if (!from) await rm(file, { force: true });
    throw new UserError(
      `${from ?? addressOf(archive)} is not the published file: its ${archive.algorithm} is ${found}, not ${archive.hash}. Fetch it again, or give another copy with --from.`,
    );
  }
  const folder = join(dir, archive.folder);
  if (archive.url.endsWith(".tar.gz")) await unpack(file, folder);
  else await writeAtomic(join(folder, basename(archive.url)), await readFile(file));
  if (!from) await rm(file, { force: true });
  return folder;
}

const addressOf = ({ url }: Archive): string => {
  const mirror = process.env.LAYERWISE_MIRROR;
  return mirror ? `${mirror.replace(/\/$/, "")}/${basename(url)}` : url;
};

/** Appends the missing part of the file; starts again if the server cannot resume. */
async function download(
  url: string,
  path: string,
  { bytes: expected }: Archive,
  onProgress: FetchOptions["onProgress"],
): Promise<void> {
  let have = existsSync(path) ? (await stat(path)).size : 0;
  const response = await fetch(url, have ? { headers: { range: `bytes=${have}-` } } : {}).catch((error) => {
    const why = (error.cause as Error | undefined)?.message ?? error.message;
    throw new UserError(
      `${url} cannot be reached (${why}). Check the connection, or download the file on another machine and give it with --from.`,
    );
  });
  if (response.status === 416) return; // the file is complete
  if (!response.ok || !response.body)
    throw new UserError(
      `${url} responds with ${response.status} ${response.statusText}. Try again later, or give the file with --from.`,
    );
  if (response.status !== 206) have = 0;
  const total = have + Number(response.headers.get("content-length") ?? expected);
  const handle = await open(path, have ? "a" : "w").catch((error) =>
    Promise.reject(describeFileError(error, path, "write")),
  );
  try {
    for await (const chunk of response.body) {
      await handle.writeFile(chunk);
      have += chunk.length;
      onProgress?.(have, total);
    }
  } catch (error) {
    throw new UserError(
      `The download of ${url} was interrupted after ${have} bytes (${(error as Error).message}). Run the command again to resume.`,
      { cause: error },
    );
  } finally {
    await handle.close();
  }
}

async function checksum(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    throw describeFileError(error, path, "read");
  }
  return hash.digest("hex");
}

async function unpack(path: string, folder: string): Promise<void> {
  for await (const { name, content } of filesInTar(createReadStream(path).pipe(createGunzip())))
    await writeAtomic(join(folder, basename(name)), content);
}
