import { ApiError } from "../../../errors.ts";
import { newId } from "../../../platform/ids.ts";
import type { Database, Queries, Store } from "../../../platform/store/database.ts";
import type { Item } from "../item-list.ts";
import { toMessages } from "../responses/input.ts";
import { itemPage, type PageRequest, toInputItems } from "../responses/input-items.ts";
import {
  allItems,
  appendItems,
  type ConversationRow,
  deleteConversation,
  deleteItem,
  findConversation,
  findConversationItem,
  insertConversation,
  updateMetadata,
} from "./table.ts";

/** `/v1/conversations`: items that responses are made from and added to, in the store until they are deleted. */
export class Conversations {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async create(items: readonly unknown[], metadata: object) {
    const checked = asItems(items);
    const id = newId("conv_");
    const database = await this.#store.database();
    const row = await database.transaction(async (queries) => {
      const inserted = await insertConversation(queries, id, metadata);
      await appendItems(queries, id, checked);
      return inserted;
    });
    return describe(row);
  }

  /** @throws ApiError `not_found` */
  async get(id: string) {
    return describe(await this.#find(await this.#database(id), id));
  }

  /** @throws ApiError `not_found` */
  async update(id: string, metadata: object) {
    const row = await updateMetadata(await this.#database(id), id, metadata);
    if (row === undefined) throw notFound(id);
    return describe(row);
  }

  /** @throws ApiError `not_found` */
  async delete(id: string) {
    if (!(await deleteConversation(await this.#database(id), id))) throw notFound(id);
    return { id, object: "conversation.deleted" as const, deleted: true };
  }

  /** @throws ApiError `not_found` */
  async all(id: string): Promise<readonly object[]> {
    const database = await this.#database(id);
    await this.#find(database, id);
    return allItems(database, id);
  }

  /** @throws ApiError `not_found` */
  async page(id: string, page: PageRequest) {
    return itemPage(await this.all(id), page);
  }

  /** Adds items, in the transaction of `queries` where that is given. @returns them with their ids. @throws ApiError `not_found` */
  async append(id: string, items: readonly unknown[], queries?: Queries) {
    const added = asItems(items);
    const target = queries ?? (await this.#database(id));
    await this.#find(target, id);
    await appendItems(target, id, added);
    return itemPage(added, { limit: added.length, order: "asc" });
  }

  /** @throws ApiError `not_found` */
  async item(id: string, itemId: string): Promise<object> {
    const item = await findConversationItem(await this.#database(id), id, itemId);
    if (item === undefined) throw itemNotFound(id, itemId);
    return item;
  }

  /** @throws ApiError `not_found` */
  async deleteItem(id: string, itemId: string) {
    const database = await this.#database(id);
    const row = await this.#find(database, id);
    if (!(await deleteItem(database, id, itemId))) throw itemNotFound(id, itemId);
    return describe(row);
  }

  /** The store, which is not opened to find that it never held any. */
  async #database(id: string): Promise<Database> {
    if (!this.#store.hasData) throw notFound(id);
    return this.#store.database();
  }

  async #find(queries: Queries, id: string): Promise<ConversationRow> {
    const row = await findConversation(queries, id);
    if (row === undefined) throw notFound(id);
    return row;
  }
}

/** @throws InvalidRequestError naming an item that no response could be made from */
function asItems(items: readonly unknown[]): readonly Item[] {
  toMessages(items, [], "items");
  return toInputItems(items);
}

function describe({ id, metadata, createdAt }: ConversationRow) {
  return {
    id,
    object: "conversation" as const,
    created_at: Math.floor(createdAt.getTime() / 1000),
    metadata,
  };
}

function notFound(id: string): ApiError {
  return new ApiError("not_found", `There is no conversation ${JSON.stringify(id)}.`, {
    param: "conversation",
  });
}

function itemNotFound(id: string, itemId: string): ApiError {
  return new ApiError("not_found", `Conversation ${id} has no item ${JSON.stringify(itemId)}.`, {
    param: "item_id",
  });
}
