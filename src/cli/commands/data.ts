// layerwise data: lists the built-in data sets and the sources of their official files.
import { Command } from "@commander-js/extra-typings";
import { example } from "../options/values.ts";

export const dataCommand = () =>
  new Command("data")
    .description("list the built-in data sets")
    .option("--json", "print the list as one JSON document")
    .addHelpText("before", example("layerwise data"))
    .action(async ({ json }) => {
      const { archives, dataSources } = await import("../../data/index.ts");
      const list = dataSources.map(({ name, title }) => ({ name, title, ...archives[name] }));
      if (json) return console.log(JSON.stringify(list, null, 1));
      for (const { name, title, url, bytes, hash, algorithm } of list) {
        console.log(`${name.padEnd(16)} ${title}`);
        console.log(
          `${"".padEnd(16)} ${url ? `${((bytes ?? 0) / 1e6).toFixed(0)} MB, ${algorithm} ${hash}\n${"".padEnd(16)} ${url}` : "included in layerwise"}\n`,
        );
      }
      console.log("Custom data: npz:FILE reads arrays, MODULE.mjs is a module that returns samples.");
    });
