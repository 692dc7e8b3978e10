// `npm run build`: the compiled library and command line in dist/.
import { build, install } from "./setup.mjs";

install();
build({ force: true });
