// The layer rule of the house (docs/code-layout.md): imports go down this list only, and only through a folder's index.ts.
const order = [
  "cli",
  "experiments",
  "report",
  "merging",
  "connectivity",
  "sweep",
  "pairs",
  "distance",
  "federated",
  "training",
  "hub",
  "models",
  "data",
  "checkpoints",
  "graph",
  "runtime",
  "jobs",
  "core",
];

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-cycles-of-types",
      comment: "only a graph and its operations know each other's types",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { pathNot: "^src/graph/(graph|ops/\\w+)\\.ts$" } },
    },
    ...order.slice(1).map((room, i) => ({
      name: `${room}-imports-downwards`,
      comment: `src/${room} may import only the folders below it`,
      severity: "error",
      from: { path: `^src/${room}/` },
      to: { path: `^src/(${order.slice(0, i + 1).join("|")})/` },
    })),
    ...order.map((room) => ({
      name: `${room}-has-one-door`,
      comment: `import src/${room}/index.ts, not a file inside the folder`,
      severity: "error",
      from: { path: "^src/", pathNot: `^src/${room}/` },
      to: { path: `^src/${room}/`, pathNot: `^src/${room}/index\\.ts$` },
    })),
    {
      name: "commands-load-when-they-run",
      comment: "import() what a command needs in its action, so that --help is quick",
      severity: "error",
      from: { path: "^src/cli/(main\\.ts$|commands/|options/)" },
      to: {
        path: `^src/(cli/terminal/(summary|heatmap)\\.ts$|(${order.slice(1, -2).join("|")})/)`,
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default"] },
  },
};
