import { LRUCache } from "lru-cache";
import type { Constraint } from "./expression.ts";
import { TokenForm } from "./token-form.ts";
import type { TokenTable } from "./token-table.ts";

/** Forms that are kept ready with their states and masks, for the next text that is held to them. */
const KEPT_FORMS = 64;

export class TokenForms {
  readonly #table: TokenTable;
  readonly #forms = new LRUCache<string, TokenForm>({ max: KEPT_FORMS });

  constructor(table: TokenTable) {
    this.#table = table;
  }

  /** @throws InvalidRequestError for a form that is too large, too ambiguous, or has no text */
  get({ key, form }: Constraint): TokenForm {
    let ready = this.#forms.get(key);
    if (ready === undefined) {
      ready = new TokenForm(form, this.#table);
      this.#forms.set(key, ready);
    }
    return ready;
  }
}
