import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A real trained model of 1 MB that lies beside the project for its developers; not part of it. */
export const STORIES = fileURLToPath(new URL("../../../shared/models/stories260K.gguf", import.meta.url));
/** The model that the project ships. */
export const BUILTIN = fileURLToPath(new URL("../../src/models/builtin/builtin.gguf", import.meta.url));

export const hasStories = existsSync(STORIES);
/** Reason to print when a test that needs `STORIES` is skipped, or false. */
export const skipWithoutStories = hasStories
  ? false
  : "needs ../shared/models/stories260K.gguf, which is not there";

/** The smallest real model at hand. */
export const TEST_MODEL = hasStories ? STORIES : BUILTIN;
