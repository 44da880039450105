// Import rules: no cycles, and arrows point one way (docs/architecture.md).
const llama = "^src/inference/llama/";
const features =
  "^src/(chat|datasets|embeddings|rerank|rag|evaluation|openai|anthropic|assistant|structured|tools)/";

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "only-the-edge-knows-http",
      comment: "nothing below routes/ knows HTTP",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(app|main|routes/|http/|telemetry/|commands/)" },
      to: { path: "^src/(routes|http)/|node_modules/(fastify|@fastify)/" },
    },
    {
      name: "only-llama-knows-ffi",
      comment: "nothing outside inference/llama/ knows FFI",
      severity: "error",
      from: { pathNot: llama },
      to: { path: "node_modules/koffi/" },
    },
    {
      name: "only-redis-knows-redis",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/platform/redis/" },
      to: { path: "node_modules/@redis/" },
    },
    {
      name: "llama-is-the-bottom",
      severity: "error",
      from: { path: llama },
      to: { path: "^src/", pathNot: `${llama}|^src/errors\\.ts$|^src/inference/sampling\\.ts$` },
    },
    {
      name: "only-the-store-knows-postgres",
      comment: "features write SQL, and leave drivers to the store",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/platform/store/" },
      to: { path: "node_modules/(pg|@electric-sql)/" },
    },
    {
      name: "inference-and-models-below-features",
      severity: "error",
      from: { path: "^src/(inference|models|store|cache|redis|rate-limit)/" },
      to: { path: `${features}|^src/(app|main)\\.ts$` },
    },
    {
      name: "environment-only-in-config",
      comment: "main reads the environment once; everything else is given its settings",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(main|app|commands/|config/)" },
      to: { path: "^src/config/", dependencyTypesNot: ["type-only"] },
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
