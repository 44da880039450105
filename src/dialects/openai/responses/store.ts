import type { Item } from "../item-list.ts";
/** A response in the form of OpenAI's API. */
export interface ResponseObject {
  readonly id: string;
  readonly object: string;
  readonly status: string;
  readonly output: readonly Item[];
  readonly [field: string]: unknown;
}

/** A response that later ones may continue. */
export interface StoredResponse {
  readonly response: ResponseObject;
  /** Its own input, as items. */
  readonly input: readonly object[];
  /** The response that it continues. */
  readonly previousId: string | undefined;
}

/** Where responses are kept between requests. */
export interface ResponseStore {
  get(id: string): Promise<StoredResponse | undefined>;
  /** An output item of a stored response, by the item's own id. */
  item(id: string): Promise<object | undefined>;
  put(response: StoredResponse): Promise<void>;
  /** True when there was one. */
  delete(id: string): Promise<boolean>;
}
