import type { StoreLog } from "../../src/platform/store/database.ts";

/** For tests that look at results and not at lines. */
export const silentLog: StoreLog = { info: () => {}, warn: () => {}, error: () => {} };
