import { ApiError, UnavailableError } from "../../../errors.ts";
import type { Database, Store } from "../../../platform/store/database.ts";
import {
  type CompletionFilter,
  deleteCompletion,
  findCompletion,
  findMessages,
  insertCompletion,
  listCompletions,
  type Metadata,
  type StoredCompletion,
  updateCompletion,
} from "./completion-table.ts";
import type { ChatCompletion, ChatCompletionBody } from "./schema.ts";

export interface KeptCompletionsOptions {
  readonly store: Store;
  /** Days that a completion is kept; 0 keeps none. */
  readonly retentionDays: number;
  readonly log: { warn(fields: object, message: string): void };
}

/** Chat completions with `store: true`. A store that fails costs what would have been kept, and no answer. */
export class KeptCompletions {
  readonly #options: KeptCompletionsOptions;

  constructor(options: KeptCompletionsOptions) {
    this.#options = options;
  }

  /** Whether anything is kept at all. */
  get isOn(): boolean {
    return this.#options.retentionDays > 0;
  }

  async keep(completion: ChatCompletion, { messages, metadata }: ChatCompletionBody): Promise<void> {
    const { store, log } = this.#options;
    try {
      await insertCompletion(
        await store.database(),
        { completion, metadata: (metadata as Metadata | null | undefined) ?? {} },
        messages,
      );
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      log.warn({ err: error }, `completion ${completion.id} could not be stored`);
    }
  }

  async list(filter: CompletionFilter, limit: number) {
    const { store } = this.#options;
    const found = store.hasData ? await listCompletions(await store.database(), filter, limit + 1) : [];
    const data = found.slice(0, limit).map(describe);
    return {
      object: "list" as const,
      data,
      first_id: data.at(0)?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: found.length > limit,
    };
  }

  /** @throws ApiError `not_found` */
  async get(id: string) {
    const found = await findCompletion(await this.#database(id), id);
    if (found === undefined) throw notFound(id);
    return describe(found);
  }

  /** What a completion answers, as messages with ids. @throws ApiError `not_found` */
  async messages(id: string): Promise<readonly object[]> {
    const messages = await findMessages(await this.#database(id), id);
    if (messages === undefined) throw notFound(id);
    return messages.map((message, index) => ({ ...message, id: `${id}-${index}` }));
  }

  /** @throws ApiError `not_found` */
  async update(id: string, metadata: Metadata) {
    const updated = await updateCompletion(await this.#database(id), id, metadata);
    if (updated === undefined) throw notFound(id);
    return describe(updated);
  }

  /** @throws ApiError `not_found` */
  async delete(id: string) {
    if (!(await deleteCompletion(await this.#database(id), id))) throw notFound(id);
    return { id, object: "chat.completion.deleted" as const, deleted: true };
  }

  async #database(id: string): Promise<Database> {
    if (!this.#options.store.hasData) throw notFound(id);
    return this.#options.store.database();
  }
}

function describe({ completion, metadata }: StoredCompletion) {
  return { ...completion, metadata };
}

function notFound(id: string): ApiError {
  return new ApiError("not_found", `There is no stored chat completion ${JSON.stringify(id)}.`, {
    param: "completion_id",
  });
}
