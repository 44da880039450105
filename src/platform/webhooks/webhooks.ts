import { createHmac } from "node:crypto";
import { newId } from "../ids.ts";
import { JobLoop } from "../jobs/job-loop.ts";
import { type Claim, JobQueue } from "../jobs/queue.ts";
import type { FieldsLog, Log } from "../log.ts";
import { patientFetch } from "../patient-fetch.ts";
import type { Queries, Store } from "../store/database.ts";

/** Time that the program has to answer. */
const TIMEOUT_MS = 15_000;
const CONCURRENCY = 4;

export interface WebhooksOptions {
  readonly store: Store;
  /** Where events are sent; none are where it is undefined. */
  readonly url: string | undefined;
  /** Key of the signatures: `whsec_` and base64, or any text; without one nothing is signed. */
  readonly secret: string | undefined;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "error">;
}

interface WebhookEvent {
  readonly eventId: string;
  readonly body: string;
}

/**
 * Tells the operator's program what happened, at least once, in the form and with the signatures of Standard Webhooks.
 * An event is written in the transaction of what it is about; one that can't be sent is sent again, later and later.
 */
export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #jobs: JobLoop<WebhookEvent | undefined>;
  #hasNew = false;

  constructor(options: WebhooksOptions) {
    const { store, log } = options;
    this.#options = options;
    this.#jobs = new JobLoop<WebhookEvent | undefined>({
      store,
      queue: new JobQueue({ store, name: "webhooks", log }),
      name: "webhooks",
      concurrency: CONCURRENCY,
      due: waiting,
      begin: (queries, { position }) => find(queries, position),
      work: (claim, event, stopping) => this.#send(claim, event, stopping),
      giveUp: async (claim) => {
        log.warn(`webhook event ${claim.position} could not be sent`);
        await remove(await store.database(), claim.position);
      },
      log,
    });
  }

  /** Whether there is a program to tell. */
  get isOn(): boolean {
    return this.#options.url !== undefined;
  }

  /** Writes an event down, in a transaction after which `flush` is to be called. `data` tells as little as OpenAI's do. */
  async note(queries: Queries, type: string, data: object): Promise<void> {
    if (!this.isOn) return;
    const eventId = newId("evt_");
    const createdAt = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({ id: eventId, object: "event", created_at: createdAt, type, data });
    await queries.query("INSERT INTO webhook_events (event_id, body) VALUES ($1, $2)", [eventId, body]);
    this.#hasNew = true;
  }

  /** Sends what was noted. */
  flush(): void {
    if (!this.#hasNew) return;
    this.#hasNew = false;
    this.#jobs.wake();
  }

  recover(): Promise<void> {
    return !this.isOn ? Promise.resolve() : this.#jobs.recover();
  }

  stop(): Promise<void> {
    return this.#jobs.stop();
  }

  async #send(claim: Claim, event: WebhookEvent | undefined, stopping: AbortSignal): Promise<void> {
    const { store, url, log } = this.#options;
    const database = await store.database();
    if (event === undefined || url === undefined) {
      await this.#jobs.complete(claim, database);
      return;
    }
    try {
      const response = await patientFetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...signed(event, this.#options.secret, Date.now()) },
        body: event.body,
        redirect: "error",
        signal: AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      if (!stopping.aborted)
        log.warn(`webhook event ${event.eventId} is sent again later: ${(error as Error).message}`);
      await database.transaction((queries) => this.#jobs.giveBack(claim, queries));
      return;
    }
    await database.transaction(async (queries) => {
      await remove(queries, claim.position);
      await this.#jobs.complete(claim, queries);
    });
  }
}

/** The headers by which the program knows that an event is this server's. */
function signed(
  { eventId, body }: WebhookEvent,
  secret: string | undefined,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = { "webhook-id": eventId, "webhook-timestamp": timestamp };
  if (secret === undefined) return headers;
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  const signature = createHmac("sha256", key).update(`${eventId}.${timestamp}.${body}`).digest("base64");
  return { ...headers, "webhook-signature": `v1,${signature}` };
}

async function waiting(queries: Queries): Promise<number[]> {
  const rows = await queries.query<{ position: number }>(
    "SELECT position FROM webhook_events ORDER BY position LIMIT 1000",
  );
  return rows.map(({ position }) => position);
}

async function find(queries: Queries, position: number): Promise<WebhookEvent | undefined> {
  const [row] = await queries.query<WebhookEvent>(
    `SELECT event_id AS "eventId", body FROM webhook_events WHERE position = $1`,
    [position],
  );
  return row;
}

async function remove(queries: Queries, position: number): Promise<void> {
  await queries.query("DELETE FROM webhook_events WHERE position = $1", [position]);
}
