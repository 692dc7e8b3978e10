// `npm run docs`: writes the generated parts of the reference, the JSON Schemas in schemas/ and the pages in
// docs/reference. With --check it writes nothing, and fails if a file is not up to date; a test runs it so.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { apiFiles } from "./docs/api.mjs";
import { documentFiles } from "./docs/documents.mjs";
import { root } from "./setup.mjs";

const isCheck = process.argv.includes("--check");
const files = new Map([...documentFiles(), ...apiFiles()]);

const stale = [...files].filter(([path, text]) => {
  const place = join(root, path);
  return !existsSync(place) || readFileSync(place, "utf8") !== text;
});
if (isCheck && stale.length) {
  console.error(`Not up to date: ${stale.map(([path]) => path).join(", ")}. Run npm run docs.`);
  process.exitCode = 1;
}
for (const [path, text] of isCheck ? [] : stale) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(`wrote ${path}`);
}
