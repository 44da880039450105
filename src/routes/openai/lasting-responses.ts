import { deleteOlder } from "../../dialects/openai/chat/completion-table.ts";
import { KeptCompletions } from "../../dialects/openai/chat/kept-completions.ts";
import { Conversations } from "../../dialects/openai/conversations/service.ts";
import { BackgroundResponses } from "../../dialects/openai/responses/background.ts";
import { KeptResponses } from "../../dialects/openai/responses/kept-responses.ts";
import { deleteUnused } from "../../dialects/openai/responses/response-table.ts";
import { Responses } from "../../dialects/openai/responses/service.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { Changes } from "../../platform/jobs/changes.ts";
import { JobQueue } from "../../platform/jobs/queue.ts";
import type { FieldsLog, Log } from "../../platform/log.ts";
import type { Store } from "../../platform/store/database.ts";
import { Retention } from "../../platform/store/retention.ts";
import type { Webhooks } from "../../platform/webhooks/webhooks.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { perModel, streamWithModel } from "./with-model.ts";

export interface LastingResponsesParts {
  readonly models: ServedModels;
  readonly store: Store;
  readonly servers: McpServers;
  readonly webhooks: Webhooks;
  /** Days that a response is kept unused, and a chat completion; 0 keeps responses in memory only. */
  readonly retentionDays: number;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "warn" | "error">;
}

/** Answers and conversations that outlive their requests, and the process. */
export interface LastingResponses {
  readonly responses: (model: ServedModel) => Responses;
  readonly background: BackgroundResponses;
  readonly conversations: Conversations;
  readonly completions: KeptCompletions;
  readonly retention: Retention;
}

export function createLastingResponses({
  models,
  store,
  servers,
  webhooks,
  retentionDays,
  log,
}: LastingResponsesParts): LastingResponses {
  const conversations = new Conversations(store);
  const kept = new KeptResponses({ store, retentionDays, log });
  const responses = perModel((model) => new Responses({ model, store: kept, conversations, servers }));
  const background = new BackgroundResponses({
    store,
    queue: new JobQueue({ store, name: "responses", log }),
    changes: new Changes(),
    webhooks,
    isKept: retentionDays > 0,
    withResponses: (body, context, answer) =>
      streamWithModel(models, body, context, (model) => answer(responses(model))),
    log,
  });
  const completions = new KeptCompletions({ store, retentionDays, log });
  const retention = new Retention({
    store,
    days: retentionDays,
    remove: async (queries, days) => {
      await deleteUnused(queries, days);
      await deleteOlder(queries, days);
    },
    log,
  });
  return { responses, background, conversations, completions, retention };
}
