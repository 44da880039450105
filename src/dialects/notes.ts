import { Type } from "typebox";
import type { RequestAccount } from "../telemetry/request-account.ts";

/** What of a request was not done as asked, where that is not a reason to refuse it: a wish about cost, a part left out. */
export interface Note {
  /** The field, in the client's own words: `thinking.budget_tokens`, `messages[3].content[1]`. */
  readonly param: string;
  readonly reason: string;
}

/** A long history may hold hundreds of parts that are left out, each in every answer. */
const MAX_LISTED = 20;

/** The schema of the extra field of answers that lists them. */
export const NotHonouredField = {
  not_honoured: Type.Optional(
    Type.Array(Type.Object({ param: Type.String(), reason: Type.String() }), {
      description: "Extra: what was asked for and is not done here, and why.",
    }),
  ),
};

/** What a model is told otherwise than it was sent: its chat template does not take it as it was. */
export function notesOfChanges(changes: readonly string[], param: string): readonly Note[] {
  return changes.map((change) => ({ param, reason: `changed for the model's chat template: ${change}` }));
}

/** Names the fields in the request's log line. */
export function noteInLog(account: Pick<RequestAccount, "note">, notes: readonly Note[]): void {
  if (notes.length === 0) return;
  const names = notes.slice(0, MAX_LISTED).map(({ param }) => param);
  account.note({ not_honoured: names.join(" ") });
}

/** The extra field of answers that lists them; nothing where all was done as asked. */
export function notHonoured(notes: readonly Note[]): { not_honoured?: Note[] } {
  if (notes.length === 0) return {};
  const more = notes.length - MAX_LISTED;
  const rest = more > 0 ? [{ param: "…", reason: `and ${more} more` }] : [];
  return { not_honoured: [...notes.slice(0, MAX_LISTED), ...rest] };
}
