import type { Scenario } from "./scenario.ts";
import { sharedPrefix } from "./shared-prefix.ts";
import { unrelated } from "./unrelated.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  unrelated,
  "shared-prefix": sharedPrefix,
};
