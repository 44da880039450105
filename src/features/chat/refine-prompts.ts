/** Turns of the refine conversation, in the words that the built-in model was trained on (training/PROMPTS.md). */
export const CRITIQUE_REQUEST =
  "Critique your answer in one or two sentences. Say what is wrong or missing and how to improve it.";
export const REWRITE_REQUEST = "Rewrite your answer using the critique. Reply with the improved answer only.";
