// The Python that has PyTorch, for tests against it; undefined where there is none.
import { spawnSync } from "node:child_process";

const ask = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)";

export const python: string | undefined = ["/usr/bin/python3", "python3"].find(
  (command) => spawnSync(command, ["-c", ask]).status === 0,
);
