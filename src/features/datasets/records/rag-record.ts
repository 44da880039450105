import { type JsonObject, MAX_RECORD_BYTES, type RagData } from "../dataset.ts";
import { optionalObject, optionalText, requiredText } from "./fields.ts";

/** `{"text", "title"?, "metadata"?}`. */
export function readRagRecord(record: JsonObject): RagData {
  const text = requiredText(record["text"], "/text", MAX_RECORD_BYTES);
  const title = optionalText(record["title"], "/title", 1000);
  const metadata = optionalObject(record["metadata"], "/metadata");
  return { text, ...(title !== undefined && { title }), ...(metadata !== undefined && { metadata }) };
}
