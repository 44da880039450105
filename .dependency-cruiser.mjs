// Import rules: no cycles, and every arrow points down (docs/architecture.md).

/** From the ground up: a layer may import itself and the layers before it. */
export const layers = [
  "errors",
  "config",
  "platform",
  "inference",
  "models",
  "telemetry",
  "assistant",
  "serving",
  "features",
  "instruments",
  "dialects",
  "http",
  "routes",
  "app",
  "commands",
  "main",
];

/** Files of these rooms: a folder of `src`, or a file that is a layer by itself. */
const rooms = (names) => `^src/(${names.join("|")})(/|\\.ts$)`;

const layersPointDown = layers.slice(0, -1).map((layer, index) => ({
  name: `${layer}-knows-nothing-above-it`,
  severity: "error",
  from: { path: rooms([layer]) },
  to: { path: rooms(layers.slice(index + 1)) },
}));

/** A package that one folder wraps, so that replacing it changes one folder. */
const onlyIn = (folder, packages) => ({
  name: `only-${folder.split("/").at(-1)}-knows-${packages.split(/\W/)[0] || packages}`,
  severity: "error",
  from: { path: "^src/", pathNot: `^src/${folder}/` },
  to: { path: `node_modules/(${packages})/` },
});

/** Siblings of a folder that never import one another; what they share stands in the folder itself. */
const dialects = ["openai", "anthropic", "ollama", "rerank", "mcp"];

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...layersPointDown,
    ...dialects.map((dialect) => ({
      name: `${dialect}-knows-no-other-dialect`,
      severity: "error",
      from: { path: `^src/dialects/${dialect}/` },
      to: { path: "^src/dialects/[^/]+/", pathNot: `^src/dialects/${dialect}/` },
    })),
    {
      name: "http-is-generic",
      comment: "what every request passes knows no feature and no model",
      severity: "error",
      from: { path: "^src/http/" },
      to: {
        path: rooms(["inference", "models", "assistant", "serving", "features", "instruments", "dialects"]),
      },
    },
    {
      name: "ports-know-no-adapter",
      comment:
        "the files of inference/ itself are ports; what a text is held to is plain data that they pass on",
      severity: "error",
      from: { path: "^src/inference/[^/]+\\.ts$" },
      to: { path: "^src/inference/[^/]+/", pathNot: "^src/inference/constraints/expression\\.ts$" },
    },
    {
      name: "scheduler-knows-no-library",
      comment: "the scheduler sees a DecodeContext, never llama.cpp",
      severity: "error",
      from: { path: "^src/inference/(scheduler|kv-cache|drafters)/" },
      to: { path: "^src/inference/(llama|generation|process)/" },
    },
    {
      name: "llama-is-the-bottom",
      severity: "error",
      from: { path: "^src/inference/llama/" },
      to: {
        path: "^src/",
        pathNot: "^src/(inference/llama/|errors\\.ts$|inference/(argmax|kv-layout|sampling)\\.ts$)",
      },
    },
    onlyIn("inference/llama", "koffi"),
    onlyIn("platform/jobs", "pg-boss"),
    onlyIn("platform/redis", "@redis"),
    onlyIn("platform/store", "pg|@electric-sql"),
    {
      name: "only-the-edge-knows-fastify",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(http|routes|app\\.ts$)" },
      to: { path: "node_modules/(fastify|@fastify)/" },
    },
    {
      name: "environment-only-in-config",
      comment: "main reads the environment once; everything else is given its settings",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(main|app|commands/|config/)" },
      to: { path: "^src/config/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "src-stands-alone",
      comment: "nothing in src needs tests or benchmarks",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts)/" },
    },
    {
      name: "tests-share-only-support",
      severity: "error",
      from: { path: "^test/([^/]+)/", pathNot: "^test/support/" },
      to: { path: "^test/", pathNot: "^test/(support|$1)/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
