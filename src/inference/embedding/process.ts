/** Entry of an embedding process: what its messages ask, and batches as steps. */
import { monotonicMs } from "../../platform/clock.ts";
import { serveChild } from "../process/child.ts";
import { EmbeddingHost } from "./host.ts";
import type { EmbedderNews, EmbeddingOptions, LoadedEmbedder, ToEmbedder } from "./protocol.ts";

type EmbedderRequest = Exclude<ToEmbedder, { type: "load" }>;

serveChild<EmbeddingOptions, EmbedderRequest, LoadedEmbedder, EmbedderNews>((options, voice) => {
  const host = new EmbeddingHost(options, monotonicMs, voice.progress, voice.log);
  const { dimensions, maxTokens } = host.description;
  return {
    model: host.description,
    capacity: `${dimensions} dimensions, ${maxTokens} tokens per text`,
    hasWork: () => host.hasWork,
    step: () => {
      for (const news of host.step()) voice.send(news);
    },
    watchMachine: () => host.watchMachine(),
    handle: (message) => handle(host, voice.send, message),
  };
});

function handle(host: EmbeddingHost, send: (news: EmbedderNews) => void, message: EmbedderRequest): void {
  const { id } = message;
  switch (message.type) {
    case "embed":
      host.embed(id, message.texts);
      break;
    case "rank":
      host.rank(id, message.query, message.texts);
      break;
    case "count":
      send({ type: "counted", id, tokens: host.count(message.texts) });
      break;
    case "detokenize":
      send({ type: "texts", id, texts: host.detokenize(message.tokens) });
      break;
    case "cancel":
      host.cancel(id);
      break;
    default:
      message satisfies never;
  }
}
