import { Type } from "typebox";

/** Sessions of agents run for days; what a body may hold is bounded by its bytes. */
export const MAX_MESSAGES = 100_000;

/** Agents with many servers of tools send hundreds. */
export const MAX_TOOLS = 2048;

/** Some clients put a server's name in front of a tool's, with a dot or a colon between. */
export const ToolName = Type.String({ pattern: "^[A-Za-z0-9_.:-]{1,128}$" });
