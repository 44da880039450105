import { Type } from "typebox";
import { OrNull } from "../platform/schema/nullable.ts";

/** The request field `model`. */
export const ModelName = Type.String({
  minLength: 1,
  maxLength: 256,
  format: "text",
  description: "The served model's name, or one of MODEL_ALIASES; the served model when left out.",
});

/** The request field `keep_alive`, Ollama's. */
export const KeepAliveField = {
  keep_alive: OrNull(
    Type.Unsafe<string | number>({
      type: ["string", "number"],
      description:
        'Extra: how long the model stays in memory after this request: seconds, "10m", 0 to unload it at once, -1 to keep it.',
    }),
  ),
};
