/** Something that is kept under an id of its own. */
export interface Item {
  readonly id: string;
}

/**
 * Items as rows of SQL: `item_id`, `item` and their `place`, from the parameters with the number `first` and the next.
 * The ids are handed over beside the items: `->>` fails on texts that JSON may hold and Postgres' text may not, NULs and
 * lone surrogates, wherever they are in an item.
 */
export function itemList(first: number): string {
  return `ROWS FROM (json_array_elements_text($${first}::json), json_array_elements($${first + 1}::json))
    WITH ORDINALITY AS list (item_id, item, place)`;
}

export function itemParameters(items: readonly Item[]): readonly [ids: string, items: string] {
  return [JSON.stringify(items.map(({ id }) => id)), JSON.stringify(items)];
}
