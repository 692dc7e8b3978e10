// The documents: links lead somewhere, and every command in them exists with every option it is shown with.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../src/core/index.ts";
import { quantityTable, readRecipe } from "../src/experiments/index.ts";
import { guideFolder } from "./guide.ts";
import { pages } from "./pages.ts";

const { scripts, version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
  version: string;
};
const helps = new Map<string, string>();

function help(command: string): string {
  if (!helps.has(command)) {
    const { stdout, status } = spawnSync(process.execPath, [join(projectRoot, "dist/cli/main.js"), command, "--help"], {
      encoding: "utf8",
    });
    helps.set(command, status === 0 ? stdout : "");
  }
  return helps.get(command)!;
}

describe("the documents", () => {
  for (const file of pages) {
    const text = readFileSync(join(projectRoot, file), "utf8");
    it(`${file}: links`, () => {
      for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g))
        expect(existsSync(join(projectRoot, dirname(file), target)), target).toBe(true);
    });
    const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block.trim().split("\n"));
    if (commands.length) {
      it(`${file}: commands`, () => {
        for (const line of commands) {
          const words = line.split(/\s+/);
          if (words[0] === "npm") {
            const own = ["pack", "install"].includes(words[1]);
            if (!own) expect(Object.keys(scripts), line).toContain(words[1] === "run" ? words[2] : words[1]);
            for (const word of words) if (word.endsWith(".tgz")) expect(word).toBe(`layerwise-${version}.tgz`);
          } else if (words[0] === "node") {
            const script = line.match(/node_modules\/(onnxruntime-node\/\S+\.js)/)?.[1];
            expect(existsSync(join(projectRoot, "node_modules", script ?? "?")), line).toBe(true);
          } else {
            expect(words.slice(0, 2), line).toEqual(["npx", "layerwise"]);
            const known = help(words[2]);
            expect(known, line).toMatch(/^Examples?:/);
            for (const word of words) if (word.startsWith("--")) expect(known, line).toContain(word);
          }
        }
      });
    }
  }

  // the guide's pages on checkpoints are walked through, command by command, in a folder that holds the files they
  // speak of
  for (const file of [
    "pytorch-pair.md",
    "onnx-pair.md",
    "hugging-face.md",
    "classifiers.md",
    "images.md",
    "merge.md",
  ]) {
    it(`docs/${file}: every command runs`, { timeout: 300_000 }, async () => {
      const folder = await guideFolder();
      const text = readFileSync(join(projectRoot, "docs", file), "utf8");
      for (const [, block] of text.matchAll(/```sh\n([\s\S]*?)```/g)) {
        for (const line of block.trim().split("\n")) {
          const command = line.replace(
            "npx layerwise",
            `"${process.execPath}" "${join(projectRoot, "dist/cli/main.js")}"`,
          );
          const { status, stderr, stdout } = spawnSync(command, { shell: true, cwd: folder, encoding: "utf8" });
          expect(status, `${line}\n${stderr}`).toBe(0);
          expect(stdout.length, line).toBeGreaterThan(50);
        }
      }
    });
  }

  it("docs/extending.md lists every quantity that a claim can take", () => {
    expect(readFileSync(join(projectRoot, "docs/extending.md"), "utf8")).toContain(`\n${quantityTable()}\n`);
  });

  for (const file of readdirSync(join(projectRoot, "recipes")).filter((name) => name.endsWith(".yaml"))) {
    it(`recipes/${file} is valid`, async () => {
      expect((await readRecipe(join(projectRoot, "recipes", file))).name).toBe(file.replace(".yaml", ""));
    });
  }

  for (const file of ["FEATURES.md", "docs/gallery/README.md"]) {
    it(`${file} lists every claim of the gallery with its verdict`, () => {
      const rows = readFileSync(join(projectRoot, file), "utf8")
        .split("\n")
        .filter((line) => line.startsWith("|"))
        .map((line) => line.replaceAll(/ +/g, " "));
      const results = readdirSync(join(projectRoot, "docs/gallery")).filter((name) => name.endsWith(".json"));
      expect(results.length).toBe(13);
      for (const name of results) {
        const { claims } = JSON.parse(readFileSync(join(projectRoot, "docs/gallery", name), "utf8")) as {
          claims: { says: string; verdict: string; numbers: string }[];
        };
        for (const { says, verdict, numbers } of claims) {
          const row = `| ${says} | ${verdict} | ${numbers} |`;
          expect(
            rows.some((one) => one.includes(row)),
            `${name}: ${row}`,
          ).toBe(true);
        }
      }
    });
  }
});
