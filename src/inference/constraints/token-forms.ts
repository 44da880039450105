import { LRUCache } from "lru-cache";
import type { Constraint } from "./expression.ts";
import { TokenForm } from "./token-form.ts";
import type { TokenTable } from "./token-table.ts";

/** Forms that are kept ready with their states and masks, for the next text that is held to them. */
const KEPT_FORMS = 64;
/** Bytes of all of these together, with vocabularies of 150,000 tokens some ten that are much used. */
const KEPT_BYTES = 128 * 2 ** 20;

export class TokenForms {
  readonly #table: TokenTable;
  readonly #keptBytes: number;
  readonly #forms = new LRUCache<string, TokenForm>({ max: KEPT_FORMS });

  constructor(table: TokenTable, keptBytes: number = KEPT_BYTES) {
    this.#table = table;
    this.#keptBytes = keptBytes;
  }

  /** @throws InvalidRequestError for a form that is too large, too ambiguous, or has no text */
  get({ key, form }: Constraint): TokenForm {
    let ready = this.#forms.get(key);
    if (ready === undefined) {
      ready = new TokenForm(form, this.#table);
      this.#forms.set(key, ready);
    }
    this.#makeRoom();
    return ready;
  }

  /** Forgets the forms that were not used for longest, one that alone is too much as well: texts under way hold on to theirs. */
  #makeRoom(): void {
    const bytes = () => [...this.#forms.values()].reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    while (bytes() > this.#keptBytes) this.#forms.pop();
  }
}
