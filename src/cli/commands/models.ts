// layerwise models: lists the built-in networks with their sizes, parameters and layers.
import { Command } from "@commander-js/extra-typings";
import { sizeOf } from "../../core/index.ts";
import { example } from "../options/values.ts";

export const modelsCommand = () =>
  new Command("models")
    .description("list the built-in networks")
    .option("--json", "print the list as one JSON document")
    .addHelpText("before", example("layerwise models"))
    .action(async ({ json }) => {
      const { layersOf, networks } = await import("../../models/index.ts");
      const list = networks.map(({ name, title, sizes, build }) => {
        const model = build(sizes);
        const layers = layersOf(model);
        const statistics = model.parameters.filter(({ kind }) => kind === "statistic");
        const all = layers.reduce((sum, { size }) => sum + size, 0); // a tied tensor counts once
        const parameters = statistics.reduce((rest, { shape }) => rest - sizeOf(shape), all);
        return { name, title, sizes, parameters, layers: layers.length };
      });
      if (json) return console.log(JSON.stringify(list, null, 1));
      for (const { name, title, sizes, parameters, layers } of list) {
        const given = Object.entries(sizes).map(([size, value]) => `${size} ${value}`);
        console.log(`${name.padEnd(16)} ${title}`);
        const rest = [
          `${parameters.toLocaleString("en-GB")} parameters in ${layers} layers`,
          `defaults: ${given.join(", ")}`,
        ];
        console.log(`${rest.map((line) => `${"".padEnd(16)} ${line}`).join("\n")}\n`);
      }
    });
