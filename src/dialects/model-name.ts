import { Type } from "typebox";

/** The request field `model`. */
export const ModelName = Type.String({
  minLength: 1,
  maxLength: 256,
  format: "text",
  description: "The served model's name, or one of MODEL_ALIASES; the served model when left out.",
});
