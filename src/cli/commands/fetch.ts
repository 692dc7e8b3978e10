// layerwise fetch DATASET: downloads a data set's official files, verifies their checksum and unpacks them.
import { Command } from "@commander-js/extra-typings";
import { example } from "../options/values.ts";
import { makeProgress } from "../terminal/progress.ts";

export const fetchCommand = () =>
  new Command("fetch")
    .description("download and verify a data set's official files")
    .argument("<dataset>", "cifar10, cifar100 or shakespeare")
    .option("--dir <dir>", "folder for data sets; other commands find it with --data-dir", "data")
    .option("--from <file>", "use this archive instead of downloading it")
    .option("--quiet", "hide progress")
    .addHelpText("before", example("layerwise fetch cifar10"))
    .action(async (name, { dir, from, quiet }) => {
      const { fetchData } = await import("../../data/index.ts");
      const progress = makeProgress({ quiet });
      const folder = await fetchData(name, {
        dir,
        from,
        onProgress: (bytes, total) => progress.update("fetch", bytes, total, `${(bytes / 1e6).toFixed(1)} MB`),
      }).finally(progress.stop);
      console.log(`The files are in ${folder}.`);
    });
