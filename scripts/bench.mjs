// `npm run bench [-- WORD]`: the comparison with PyTorch (bench/), all of it or the parts whose title contains the
// word.
import { build, install, run } from "./setup.mjs";

install();
build();
run(process.execPath, ["--import", "tsx", "bench/main.ts", ...process.argv.slice(2)]);
