// The examples in the docstrings of the public library: every name that an entry point exports, with its documentation
// and the `ts` blocks under @example. The compiler reads them, so a name is found wherever it is declared.
import { join } from "node:path";
import ts from "typescript";
import { projectRoot } from "../src/core/index.ts";

/** The entry points, by what a program imports. */
export const entryPoints = {
  layerwise: "src/index.ts",
  "layerwise/graph": "src/graph.ts",
  "layerwise/checkpoints": "src/checkpoints.ts",
} as const;

export interface Example {
  /** The name that it documents. */
  readonly name: string;
  readonly code: string;
}

export interface Documented {
  readonly name: string;
  /** It is there when a program runs: a function, a class or a constant. */
  readonly isValue: boolean;
  readonly text: string;
  readonly examples: readonly Example[];
  /** Other names that its documentation links to. */
  readonly links: readonly string[];
}

const configPath = join(projectRoot, "tsconfig.json");
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(configPath, ts.sys.readFile).config,
  ts.sys,
  projectRoot,
);

/** What the entry points export. */
export function documentedNames(): Documented[] {
  const paths = Object.values(entryPoints).map((path) => join(projectRoot, path));
  const program = ts.createProgram(paths, options);
  const checker = program.getTypeChecker();
  return paths.flatMap((path) =>
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)!)!).map((symbol) => {
      const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const text = ts.displayPartsToString(own.getDocumentationComment(checker));
      const blocks = own
        .getJsDocTags(checker)
        .flatMap(({ name, text: parts }) =>
          name === "example" ? [...ts.displayPartsToString(parts).matchAll(/```ts\n([\s\S]*?)\n```/g)] : [],
        );
      return {
        name: symbol.name,
        isValue: (own.flags & ts.SymbolFlags.Value) !== 0,
        text,
        examples: blocks.map(([, code]) => ({ name: symbol.name, code })),
        links: [...text.matchAll(/\{@link (\w+) *\}/g)].map(([, link]) => link),
      };
    }),
  );
}

/** What the compiler says of the examples, each a program of its own. */
export function faultsIn(examples: readonly Example[]): string[] {
  const files = new Map(examples.map(({ code }, i) => [join(projectRoot, `example-${i}.ts`), `${code}\nexport {};\n`]));
  const paths = Object.fromEntries(
    Object.entries(entryPoints).map(([name, path]) => [name, [join(projectRoot, path)]]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const code = files.get(path);
    return code === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, code, ts.ScriptTarget.ESNext);
  };
  const program = ts.createProgram([...files.keys()], { ...options, paths }, host);
  return [...files.keys()].flatMap((path, i) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => `${examples[i].name}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`),
  );
}

/** What an example says that it prints: its comments, which stand for nothing else. */
export const expectedLines = (code: string): string[] =>
  code.split("\n").flatMap((line) => /(?:^|;) *\/\/ (.*)$/.exec(line)?.[1] ?? []);

/** An example as the body of an asynchronous function of `modules`, by the names it imports, and `console`. */
export function bodyOf(code: string): string {
  const imports: string[] = [];
  const rest = code.replaceAll(/^import \{([^}]*)\} from "([^"]+)";$/gm, (_, names: string, from: string) => {
    const values = names.split(",").filter((name) => !name.trim().startsWith("type "));
    imports.push(`const {${values.join(",").replaceAll(" as ", ": ")}} = modules[${JSON.stringify(from)}];`);
    return "";
  });
  const { outputText } = ts.transpileModule(`async function example() {${imports.join("\n")}\n${rest}\n}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return `${outputText}\nreturn example();`;
}
