// One folder for all that tests write, gone when they end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-tests-"));
  process.env.TMPDIR = folder; // the workers inherit it
  return () => rmSync(folder, { recursive: true, force: true });
}
