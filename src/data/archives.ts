// The sources of the data sets' official files: address, size and published checksum. LAYERWISE_MIRROR replaces the
// address up to the file name.
export interface Archive {
  readonly url: string;
  readonly bytes: number;
  readonly algorithm: "md5" | "sha256";
  readonly hash: string;
  /** The folder for the files; also that of a tar archive's content. */
  readonly folder: string;
}

export const archives: Readonly<Record<string, Archive>> = {
  cifar10: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    algorithm: "md5",
    hash: "c32a1d4ab5d03f1284b67883e8d87530",
    folder: "cifar-10-batches-bin",
  },
  cifar100: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    algorithm: "md5",
    hash: "03b5dce01913d631647c71ecec9e9cb8",
    folder: "cifar-100-binary",
  },
  shakespeare: {
    url: "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    bytes: 1_115_394,
    algorithm: "sha256",
    hash: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    folder: "shakespeare",
  },
};
