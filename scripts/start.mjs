// `npm start [-- ARGUMENTS]`: installs and builds what is missing, then runs `layerwise reproduce quick`, or the
// arguments.
import { join } from "node:path";
import { build, install, root, run } from "./setup.mjs";

install();
build();
const given = process.argv.slice(2);
run(process.execPath, [join(root, "dist/cli/main.js"), ...(given.length ? given : ["reproduce", "quick"])]);
