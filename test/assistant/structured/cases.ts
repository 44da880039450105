import { composed } from "./cases-composed.ts";
import { containers } from "./cases-containers.ts";
import { scalars } from "./cases-scalars.ts";
import type { SchemaCase } from "./schema-case.ts";

/** Own cases, after the keywords of draft 2020-12's specification. */
export const cases: readonly SchemaCase[] = [...scalars, ...containers, ...composed];
