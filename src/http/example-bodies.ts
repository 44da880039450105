const messages = [{ role: "user", content: "What is a token?" }];
const chat = { prompt: "What is a token?", max_new_tokens: 60 };
const judged = { prompt: "What is the capital of France?", response: "Paris.", criteria: ["accuracy"] };

/** What the documentation's page sends unless its reader writes something else, by route. Each is answered. */
export const exampleBodies: Readonly<Record<string, object>> = {
  "/chat": chat,
  "/v1/chat": chat,
  "/evaluate": judged,
  "/v1/evaluate": judged,
  "/v1/chat/completions": { messages, max_tokens: 60 },
  "/v1/completions": { prompt: "A token is", max_tokens: 20 },
  "/v1/responses": { input: "What is a token?", max_output_tokens: 60 },
  "/v1/responses/input_tokens": { input: "What is a token?" },
  "/v1/messages": { messages, max_tokens: 60 },
  "/v1/messages/count_tokens": { messages },
  "/v1/embeddings": { input: "What is a token?" },
  "/v1/tokenize": { content: "What is a token?" },
  "/v1/detokenize": { tokens: [1, 2, 3] },
};
