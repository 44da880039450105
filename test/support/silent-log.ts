import type { StoreOptions } from "../../src/platform/store/database.ts";

/** For tests that look at results and not at lines. */
export const silentLog: StoreOptions["log"] = { info: () => {}, warn: () => {}, error: () => {} };
