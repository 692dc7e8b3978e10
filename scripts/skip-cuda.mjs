// npm 10 and 11 run this before the runtime's install script, which downloads several hundred MB of CUDA parts from
// NuGet and fails the whole installation where NuGet is out of reach. That script skips files that exist, so this
// creates empty ones. They are read for --device cuda only; docs/command-line.md says how to get the real ones.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { env, platform, arch } = process;
const wanted = ["ONNXRUNTIME_NODE_INSTALL", "ONNXRUNTIME_NODE_INSTALL_CUDA"].some(
  (name) => env[name] || env[`npm_config_${name.toLowerCase()}`],
);
const isClone = existsSync(join(root, "src"));

if (!wanted && !isClone) {
  try {
    const runtime = dirname(require.resolve("onnxruntime-node/package.json"));
    // elsewhere the runtime belongs to a project, which may want its CUDA parts
    if (runtime.startsWith(root + sep) || env.npm_command === "exec") skip(runtime);
  } catch (error) {
    console.warn(`layerwise: the runtime's CUDA parts are not skipped (${error.message})`);
  }
}

function skip(runtime) {
  const { requirements, manifests } = require(join(runtime, "script/install-metadata.js"));
  const system = `${platform}/${arch}`;
  for (const name of requirements[system] ?? [])
    for (const file of Object.keys(manifests[`${system}:${name}`])) {
      const path = join(runtime, "bin/napi-v6", system, file);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) writeFileSync(path, "");
    }
}
