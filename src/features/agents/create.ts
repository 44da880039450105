import { monotonicMs } from "../../platform/clock.ts";
import { newId } from "../../platform/ids.ts";
import { Changes } from "../../platform/jobs/changes.ts";
import { JobQueue } from "../../platform/jobs/queue.ts";
import type { FieldsLog, Log } from "../../platform/log.ts";
import type { Store } from "../../platform/store/database.ts";
import { Retention } from "../../platform/store/retention.ts";
import type { Webhooks } from "../../platform/webhooks/webhooks.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import type { McpServers } from "../mcp-servers/servers.ts";
import { Agents } from "./agents.ts";
import { SessionWorker } from "./loop/worker.ts";
import { SessionLedger } from "./session/ledger.ts";
import { deleteUnusedSessions } from "./session/tables.ts";
import { Sessions } from "./sessions.ts";
import type { FetchRules } from "./tools/fetch.ts";
import type { SearchPassages } from "./tools/file-search.ts";
import { Toolbox } from "./tools/toolbox.ts";
import { noticeOf } from "./webhook-events.ts";

export interface AgentsParts {
  readonly models: ServedModels;
  readonly store: Store;
  readonly servers: McpServers;
  readonly search: SearchPassages;
  readonly fetching: FetchRules;
  readonly webhooks: Webhooks;
  /** Days that a session is kept unused; with 0 there are none. */
  readonly retentionDays: number;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "warn" | "error">;
}

export interface AgentsFeature {
  readonly agents: Agents;
  readonly sessions: Sessions;
  readonly worker: SessionWorker;
  readonly retention: Retention;
  readonly toolbox: Toolbox;
}

export function createAgents({
  models,
  store,
  servers,
  search,
  fetching,
  webhooks,
  retentionDays,
  log,
}: AgentsParts): AgentsFeature {
  const changes = new Changes();
  const toolbox = new Toolbox({ servers, store, search, fetching, log });
  const ledger = new SessionLedger({
    store,
    clock: monotonicMs,
    newId,
    noticeOf: (id, event) => noticeOf(webhooks, id, event),
    onChange: (id, hasNewWork) => {
      changes.changed(id);
      webhooks.flush();
      if (hasNewWork) worker.wake();
    },
  });
  const worker = new SessionWorker({
    store,
    queue: new JobQueue({ store, name: "agents", log }),
    ledger,
    models,
    toolbox,
    clock: monotonicMs,
    newId,
    log,
  });
  const sessions = new Sessions({
    store,
    ledger,
    changes,
    newId,
    interrupt: (id) => worker.interrupt(id),
    isKept: retentionDays > 0,
  });
  const retention = new Retention({ store, days: retentionDays, remove: deleteUnusedSessions, log });
  return { agents: new Agents(store), sessions, worker, retention, toolbox };
}
