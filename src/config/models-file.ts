import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type Setting, setting } from "./setting.ts";

/** `"10m"`, `"30s"`, seconds as a number, −1 for ever; `platform/duration.ts` reads it. */
const Duration = Type.Union([
  Type.Number({ minimum: -1 }),
  Type.String({ pattern: "^(-1|[0-9]+(\\.[0-9]+)?(ms|s|m|h)?)$" }),
]);

const shared = {
  aliases: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
  pin: Type.Optional(Type.Boolean()),
  keep_alive: Type.Optional(Duration),
  sleep_after: Type.Optional(Duration),
  min_loaded: Type.Optional(Duration),
  swap: Type.Optional(Type.Boolean()),
  priority: Type.Optional(Type.Integer()),
  context: Type.Optional(Type.Integer({ minimum: 0 })),
  sequences: Type.Optional(Type.Integer({ minimum: 0 })),
  draft: Type.Optional(Type.String({ minLength: 1 })),
};

const BaseModel = Type.Object(
  { source: Type.String({ minLength: 1 }), ...shared },
  { additionalProperties: false },
);
const AdaptedModel = Type.Object(
  {
    base: Type.String({ minLength: 1 }),
    adapter: Type.String({ minLength: 1 }),
    scale: Type.Optional(Type.Number()),
    ...shared,
  },
  { additionalProperties: false },
);
export type ModelEntry = Static<typeof BaseModel> | Static<typeof AdaptedModel>;

const ModelsFile = Type.Object(
  {
    memory_budget: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "^[0-9]{1,3}%$" })]),
    ),
    max_wait_ms: Type.Optional(Type.Integer({ minimum: 1 })),
    max_waiting: Type.Optional(Type.Integer({ minimum: 1 })),
    models: Type.Record(Type.String({ minLength: 1 }), Type.Union([BaseModel, AdaptedModel]), {
      minProperties: 1,
    }),
  },
  { additionalProperties: false },
);
export type ModelsFile = Static<typeof ModelsFile>;

/** Path of a models file. It is read with the configuration, and its mistakes are reported with all others. */
export function modelsFile(variable: string, description: string): Setting<ModelsFile | undefined> {
  return setting<ModelsFile | undefined>(
    variable,
    description,
    "a JSON file",
    { fallback: undefined, defaultText: "" },
    (path) => readModelsFile(readFileSync(path, "utf8")),
  );
}

/** @throws Error that names what is wrong, and where */
export function readModelsFile(text: string): ModelsFile {
  const content = parse(text);
  if (!Value.Check(ModelsFile, content))
    throw new Error(`must be the path of a models file: ${problem(content)}`);
  for (const [name, entry] of Object.entries(content.models)) {
    if (!("base" in entry)) continue;
    const base = content.models[entry.base];
    if (base === undefined || "base" in base)
      throw new Error(`models.${name}.base must be the name of a model with a source in the same file`);
  }
  const names = Object.entries(content.models).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`gives the name ${JSON.stringify(twice)} to two models`);
  return content;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`must be the path of a JSON file: ${(error as Error).message}`, { cause: error });
  }
}

/** The first field that is wrong; for a model, by the form that the model has. */
function problem(content: unknown): string {
  const models = (content as { readonly models?: unknown } | null)?.models;
  if (typeof models === "object" && models !== null) {
    for (const [name, entry] of Object.entries(models)) {
      const schema =
        typeof entry === "object" && entry !== null && "base" in entry ? AdaptedModel : BaseModel;
      const [error] = Value.Errors(schema, entry);
      if (error !== undefined)
        return `models.${name}${error.instancePath.replaceAll("/", ".")} ${error.message}`;
    }
  }
  const [error] = Value.Errors(ModelsFile, content);
  return `${error?.instancePath.slice(1).replaceAll("/", ".") || "it"} ${error?.message ?? "is wrong"}`;
}
