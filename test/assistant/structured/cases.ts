import { composed } from "./cases-composed.ts";
import { containers } from "./cases-containers.ts";
import { scalars } from "./cases-scalars.ts";

/** A schema that the server takes; every complete answer must validate against it. */
export interface SchemaCase {
  readonly name: string;
  readonly schema: unknown;
}

/** Own cases, after the keywords of draft 2020-12's specification. */
export const cases: readonly SchemaCase[] = [...scalars, ...containers, ...composed];
