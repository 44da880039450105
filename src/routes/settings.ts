import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type Static, Type } from "typebox";
import type { Config } from "../config/config.ts";
import type { DescribedSetting } from "../config/described.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Engine } from "../inference/engine.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { type InForce, settingsInForce } from "../serving/settings-in-force.ts";

export interface SettingsDependencies {
  readonly config: Config;
  readonly settings: readonly DescribedSetting[];
  /** Of the model that answers what names none. */
  readonly engine: Engine;
}

const sources = ["default", "environment", "file"] as const satisfies ReadonlyArray<
  DescribedSetting["source"]
>;
const TextOrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const Setting = Type.Object({
  section: Type.String(),
  variable: Type.String({ description: "The environment variable." }),
  description: Type.String({ description: "What it means, in Markdown." }),
  form: Type.String({ description: "What may be written, in Markdown." }),
  default: Type.String({ description: "Empty where there is none." }),
  value: TextOrNull("As it was written, or the default; null for secrets, which are never shown."),
  source: OneOf(sources, {
    description: "`environment`: of the process; `file`: `.env` in its working directory.",
  }),
  is_secret: Type.Boolean(),
  in_force: TextOrNull(
    "What it has come to with the loaded model, where the server chooses; null elsewhere and while none is loaded.",
  ),
  memory_bytes: Type.Union([Type.Number(), Type.Null()], {
    description: "Memory that this takes, where it is known.",
  }),
  cost: TextOrNull("What it costs, or what changing it costs, in Markdown."),
});
export type Setting = Static<typeof Setting>;

const Settings = answerSchema(
  { settings: Type.Array(Setting) },
  "Every setting, in the order of docs/configuration.md.",
);

/** The settings that the server was started with: what each is, where that comes from and what it costs. */
export function settingsRoutes({
  config,
  settings,
  engine,
}: SettingsDependencies): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/v1/settings",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Settings in force",
          response: responseSchemas(Settings, 401, 429),
        },
      },
      async () => {
        const inForce: ReadonlyMap<string, InForce> =
          engine.state.status === "ready" ? settingsInForce(config, engine.describe()) : new Map();
        return { settings: settings.map((setting) => answerOf(setting, inForce.get(setting.variable))) };
      },
    );
  };
}

function answerOf(
  { defaultText, isSecret, ...setting }: DescribedSetting,
  inForce: InForce | undefined,
): Setting {
  return {
    ...setting,
    default: defaultText,
    value: setting.value ?? null,
    is_secret: isSecret,
    in_force: inForce?.value ?? null,
    memory_bytes: inForce?.bytes ?? null,
    cost: setting.cost ?? null,
  };
}
