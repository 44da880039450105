import { malformed, UnsupportedKeywordError } from "./errors.ts";

export type SchemaObject = { readonly [keyword: string]: unknown };

/** A schema in its place. The same place is the same object. */
export interface Located {
  readonly id: number;
  readonly schema: boolean | SchemaObject;
  /** How errors name it. */
  readonly path: string;
  /** URI that references in it are relative to. */
  readonly base: string;
  readonly draft: Draft;
}

/** 4, 6, 7, 2019 or 2020; where `$schema` is left out the latest, with what older drafts spelt otherwise. */
export type Draft = 4 | 6 | 7 | 2019 | 2020;

export function isObject(value: unknown): value is SchemaObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export function draftOf(schema: unknown, otherwise: Draft = 2020): Draft {
  const uri = isObject(schema) ? schema["$schema"] : undefined;
  if (typeof uri !== "string") return otherwise;
  if (/draft-0[0-4]/.test(uri)) return 4;
  if (uri.includes("draft-06")) return 6;
  if (uri.includes("draft-07")) return 7;
  if (uri.includes("2019-09")) return 2019;
  return otherwise;
}

/** Keywords whose value is not a schema and holds none. */
const opaque = new Set(["enum", "const", "default", "example", "examples", "required", "type"]);

/** Whether a schema says nothing of other schemas or places. */
function isLeaf(schema: SchemaObject): boolean {
  return Object.entries(schema).every(
    ([keyword, value]) => (value === null || typeof value !== "object") && !/^\$|^id$/.test(keyword),
  );
}

/** Finds schemas in a document: by place, by `$id`, by `$anchor`. */
export class SchemaDocument {
  readonly root: Located;
  readonly #located = new Map<object, Located>();
  /** Equal schemas that hold no others, by their text: thousands of properties are often of one kind. */
  readonly #leaves = new Map<string, Located>();
  readonly #always = new Map<boolean, Located>();
  readonly #named = new Map<
    string,
    { readonly schema: SchemaObject; readonly path: string; readonly base: string }
  >();
  #count = 0;

  constructor(schema: unknown, path: string) {
    const draft = draftOf(schema);
    const base = isObject(schema) ? resolve(identity(schema, draft) ?? "", "") : "";
    this.#index(schema, path, draft);
    this.root = this.at(schema, path, { base, draft });
  }

  /** A schema within one that is known. @throws InvalidRequestError when it is not a schema */
  at(schema: unknown, path: string, around: Pick<Located, "base" | "draft">): Located {
    if (typeof schema === "boolean") {
      const known = this.#always.get(schema);
      if (known !== undefined) return known;
      const located = { id: this.#count++, schema, path, base: "", draft: around.draft };
      this.#always.set(schema, located);
      return located;
    }
    if (!isObject(schema)) throw malformed(path, "a JSON Schema: an object or a boolean");
    let located = this.#located.get(schema);
    if (located === undefined) {
      const draft = draftOf(schema, around.draft);
      const own = identity(schema, draft);
      const base = own === undefined ? around.base : resolve(own, around.base);
      const text = isLeaf(schema) ? JSON.stringify([schema, base, draft]) : undefined;
      located = text === undefined ? undefined : this.#leaves.get(text);
      located ??= { id: this.#count++, schema, path, base, draft };
      if (text !== undefined) this.#leaves.set(text, located);
      this.#located.set(schema, located);
    }
    return located;
  }

  /** @throws InvalidRequestError when the reference leads out of the document, or nowhere */
  reference(reference: string, from: Located): Located {
    const target = resolve(reference, from.base);
    const [uri = "", fragment = ""] = target.split("#", 2);
    const rootBase = this.root.base.split("#", 1)[0];
    const whole =
      uri === rootBase || uri === ""
        ? { schema: this.root.schema, path: this.root.path, base: this.root.base }
        : this.#named.get(uri);
    const anchored =
      fragment === "" || fragment.startsWith("/") ? undefined : this.#named.get(`${uri}#${fragment}`);
    if (anchored !== undefined)
      return this.at(anchored.schema, anchored.path, { ...from, base: anchored.base });
    if (whole === undefined)
      throw new UnsupportedKeywordError(
        from.path,
        "$ref",
        `${reference} is not in the schema, and none are fetched`,
      );
    if (fragment === "") return this.at(whole.schema, whole.path, { ...from, base: whole.base });
    if (!fragment.startsWith("/"))
      throw new UnsupportedKeywordError(
        from.path,
        "$ref",
        `nothing in the schema has the anchor ${fragment}`,
      );
    return this.#pointed(whole.schema, fragment, reference, { ...from, base: whole.base });
  }

  #pointed(whole: unknown, pointer: string, reference: string, from: Located): Located {
    let value: unknown = whole;
    let path = this.root.path;
    let base = from.base;
    for (const part of pointer.slice(1).split("/")) {
      const key = pointerKey(part);
      const holder = value as Readonly<Record<string, unknown>> | null;
      value =
        typeof value === "object" && holder !== null && Object.hasOwn(holder, key) ? holder[key] : undefined;
      path += Array.isArray(holder) ? `[${key}]` : `.${key}`;
      const own = isObject(value) ? identity(value, from.draft) : undefined;
      if (own !== undefined) base = resolve(own, base);
    }
    if (value === undefined)
      throw new UnsupportedKeywordError(from.path, "$ref", `${reference} leads to nothing in the schema`);
    return this.at(value, path, { base, draft: from.draft });
  }

  /** Gathers what has a name. No recursion: a document may be deep. */
  #index(root: unknown, rootPath: string, draft: Draft): void {
    const stack: Array<{ value: unknown; path: string; base: string; isSchema: boolean }> = [
      { value: root, path: rootPath, base: "", isSchema: true },
    ];
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const { value, path, isSchema } = entry;
      let { base } = entry;
      if (value === null || typeof value !== "object") continue;
      if (isSchema && isObject(value)) {
        const own = identity(value, draft);
        if (own !== undefined) {
          base = resolve(own, base);
          this.#named.set(base.replace(/#$/, ""), { schema: value, path, base });
        }
        for (const keyword of ["$anchor", "$dynamicAnchor"]) {
          const anchor = value[keyword];
          if (typeof anchor === "string")
            this.#named.set(`${base.split("#", 1)[0]}#${anchor}`, { schema: value, path, base });
        }
      }
      const holdsNames = !isSchema || Array.isArray(value);
      for (const [key, item] of Object.entries(value)) {
        if (!holdsNames && opaque.has(key)) continue;
        const isMap =
          !holdsNames &&
          /^(?:\$defs|definitions|properties|patternProperties|dependentSchemas|dependencies)$/.test(key);
        stack.push({ value: item, path: `${path}.${key}`, base, isSchema: !isMap });
      }
    }
  }
}

function identity(schema: SchemaObject, draft: Draft): string | undefined {
  const own = schema["$id"] ?? (draft === 4 ? schema["id"] : undefined);
  return typeof own === "string" ? own : undefined;
}

/** URIs as written where they can't be resolved: names are compared, never fetched. */
function resolve(reference: string, base: string): string {
  if (base === "") return reference;
  try {
    return new URL(reference, base).href;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return reference.startsWith("#") ? base.split("#", 1)[0] + reference : reference;
  }
}

function pointerKey(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
