import { arrivalGap } from "./arrival-gap.ts";
import { attacks } from "./attacks.ts";
import { constrained } from "./constrained.ts";
import { conversations } from "./conversations.ts";
import { disconnects } from "./disconnects.ts";
import { halfEmpty } from "./half-empty.ts";
import { hostile } from "./hostile.ts";
import { neighbour } from "./neighbour.ts";
import { overhead } from "./overhead.ts";
import { overload } from "./overload.ts";
import { planner } from "./planner.ts";
import { repetition } from "./repetition.ts";
import { routesCompared } from "./routes.ts";
import type { Scenario } from "./scenario.ts";
import { sharedPrefix } from "./shared-prefix.ts";
import { smoke } from "./smoke.ts";
import { soak } from "./soak.ts";
import { structured } from "./structured.ts";
import { trace } from "./trace.ts";
import { unrelated } from "./unrelated.ts";
import { verdicts } from "./verdicts.ts";
import { watched } from "./watched.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  unrelated,
  "half-empty": halfEmpty,
  conversations,
  "shared-prefix": sharedPrefix,
  "arrival-gap": arrivalGap,
  overload,
  planner,
  neighbour,
  overhead,
  routes: routesCompared,
  constrained,
  hostile,
  structured,
  repetition,
  trace,
  verdicts,
  watched,
  disconnects,
  attacks,
  soak,
  smoke,
};
