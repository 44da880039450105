import type { Tool } from "../template/message.ts";
import type { ArgumentReader } from "./argument-reader.ts";
import { argumentTypes } from "./argument-types.ts";
import type { ArgumentStyle } from "./format.ts";
import { JsonArguments } from "./json-arguments.ts";
import { LiteralArguments } from "./literal-arguments.ts";
import type { Match } from "./markers.ts";
import { TaggedArguments } from "./tagged-arguments.ts";

/** A reader of one call's arguments; `isTrailer` decides what may follow them. */
export function argumentReader(
  style: ArgumentStyle,
  tool: Tool | undefined,
  isTrailer: (text: string) => Match,
): ArgumentReader {
  switch (style.type) {
    case "json":
      return new JsonArguments();
    case "tagged":
      return new TaggedArguments(style, argumentTypes(tool?.parameters), isTrailer);
    case "literals":
      return new LiteralArguments(style);
  }
}
