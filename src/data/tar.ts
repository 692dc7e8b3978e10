// Reads the regular files in a tar archive (POSIX ustar): each has a header of 512 bytes, then its content in blocks of
// 512.

/** Yields each file whole. Names longer than a header's field are not supported. */
export async function* filesInTar(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ name: string; content: Uint8Array }> {
  const pieces: Uint8Array[] = [];
  let have = 0;
  const source = stream[Symbol.asyncIterator]();
  const take = async (length: number): Promise<Buffer | undefined> => {
    while (have < length) {
      const { value, done } = await source.next();
      if (done) return undefined;
      pieces.push(value);
      have += value.length;
    }
    const all = Buffer.concat(pieces.splice(0));
    pieces.push(all.subarray(length));
    have -= length;
    return all.subarray(0, length);
  };
  const text = (header: Buffer, from: number, to: number) => header.toString("latin1", from, to).replace(/\0.*$/s, "");
  for (let header = await take(512); header?.some((byte) => byte !== 0); header = await take(512)) {
    const size = Number.parseInt(text(header, 124, 136).trim() || "0", 8);
    const content = (await take(Math.ceil(size / 512) * 512))?.subarray(0, size);
    if (!content) throw new Error("the archive ends within a file");
    const kind = text(header, 156, 157);
    if (kind === "0" || kind === "") yield { name: text(header, 0, 100), content };
  }
}
