// Measures three mixes (both ends, the average) on the first samples of a pair, and prints the seconds from the start
// of this process until they are evaluated: `node start.mjs FOLDER SAMPLES`. Distances and the report are not included.
import { measure } from "../../dist/index.js";

const [folder, samples] = process.argv.slice(2);
let evaluated = 0;
await measure(
  {
    a: `${folder}/a.pt`,
    b: `${folder}/b.pt`,
    model: { name: `${folder}/graph.onnx` },
    data: { name: `npz:${folder}/data.npz`, samples: Number(samples) },
    batch: 1,
    scans: ["full"],
  },
  ({ done, total }) => {
    if (done === total) evaluated = performance.now() / 1000;
  },
);
console.log(JSON.stringify({ seconds: evaluated }));
process.exit(0);
