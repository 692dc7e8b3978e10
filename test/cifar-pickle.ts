// CIFAR's Python files, made in a test.

/** A pickle as Python 2 wrote CIFAR's: protocol 2, texts for bytes. `pixel` gives byte k of image i. */
export function cifarPickle(labels: readonly number[], key: string, pixel: (i: number, k: number) => number): Buffer {
  const text = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeInt32LE(bytes.length);
    return Buffer.concat([Buffer.from("T"), length, bytes]);
  };
  const named = (name: string) => text(Buffer.from(name));
  const n = labels.length;
  const data = Uint8Array.from({ length: n * 3072 }, (_, at) => pixel(Math.floor(at / 3072), at % 3072));
  const array = Buffer.concat([
    Buffer.from("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K", "latin1"),
    Buffer.from([n]),
    Buffer.from(
      "M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
      "latin1",
    ),
    text(data),
    Buffer.from("tb"),
  ]);
  const list = Buffer.concat([
    Buffer.from("]("),
    ...labels.map((label) => Buffer.from([0x4b, label])),
    Buffer.from("e"),
  ]);
  return Buffer.concat([
    Buffer.from("\x80\x02}(", "latin1"),
    named("data"),
    array,
    named(key),
    list,
    Buffer.from("u."),
  ]);
}
