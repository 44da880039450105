import { call, failureOf } from "./api/client.ts";

interface Definition {
  readonly name: string;
  readonly meaning: string;
}
interface Answer {
  readonly parts: readonly (Definition & { readonly source: string })[];
  readonly classes: readonly Definition[];
}

/** What stands beside figures, in the server's own words: asked for once, when a page first wants it. */
class Glossary {
  /** What each limiter class means. */
  classes = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** What each part of a latency is, and whether it is measured or estimated. */
  parts = $state.raw<ReadonlyMap<string, string>>(new Map());
  #loading: Promise<void> | undefined;

  /** Without it figures stand alone; the next page that wants it asks again. */
  load(): void {
    this.#loading ??= this.#load().catch((thrown: unknown) => {
      failureOf(thrown);
      this.#loading = undefined;
    });
  }

  async #load(): Promise<void> {
    const { parts, classes } = await call<Answer>("/v1/glossary");
    this.classes = new Map(classes.map(({ name, meaning }) => [name, meaning]));
    this.parts = new Map(
      parts.map(({ name, meaning, source }) => [
        name,
        `${meaning} ${source[0]?.toUpperCase()}${source.slice(1)}.`,
      ]),
    );
  }
}

export const glossary = new Glossary();
