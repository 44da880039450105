import { type Static, Type } from "typebox";
import type { ApiError } from "../errors.ts";
import type { AccountedGeneration } from "./request-account.ts";
import type { RequestContext } from "./request-context.ts";
import { round } from "./timings.ts";

const TokensOrNull = Type.Union([Type.Integer(), Type.Null()], {
  description: "Of the latest generation; null before it has a sequence.",
});

export const RunningAnswer = Type.Object({
  id: Type.String({ description: "Its `x-request-id`." }),
  route: Type.String(),
  key: Type.Union([Type.String(), Type.Null()], {
    description: "First 8 hexadecimal digits of the key's SHA-256.",
  }),
  model: Type.Union([Type.String(), Type.Null()]),
  elapsed_ms: Type.Number({ description: "Since it arrived." }),
  phase: Type.Union(
    [Type.Literal("outside"), Type.Literal("queue"), Type.Literal("prefill"), Type.Literal("decode")],
    {
      description:
        "What it does now; `outside` the engine: it is read, searched for, or handed over. Its generations before the latest are over.",
    },
  ),
  queue_ms: Type.Number({ description: "Of the latest generation so far, like the two below." }),
  prefill_ms: Type.Number(),
  decode_ms: Type.Number(),
  prompt_tokens: TokensOrNull,
  cached_prompt_tokens: TokensOrNull,
});
export type RunningAnswer = Static<typeof RunningAnswer>;

/** A request whose answer is not whole. */
export interface RunningRequest {
  readonly context: Pick<RequestContext, "requestId" | "arrivedAt" | "account">;
  readonly route: string;
  /** Ends what is computed for it; its client gets `error`. */
  cancel(error: ApiError): void;
}

/** The requests that are being answered. */
export class RunningRequests {
  readonly #all = new Set<RunningRequest>();

  /** Until what it returns is called. */
  add(request: RunningRequest): () => void {
    this.#all.add(request);
    return () => this.#all.delete(request);
  }

  get size(): number {
    return this.#all.size;
  }

  /** In order of arrival, as they are at `now`. */
  list(now: number): readonly RunningAnswer[] {
    return [...this.#all].map((request) => describe(request, now));
  }

  /** Ends all of that id, of which there may be several: clients choose ids. Returns how many there were. */
  cancel(id: string, error: ApiError): number {
    const found = [...this.#all].filter(({ context }) => context.requestId === id);
    for (const request of found) request.cancel(error);
    return found.length;
  }
}

function describe({ context, route }: RunningRequest, now: number): RunningAnswer {
  const { requestId, arrivedAt, account } = context;
  const { arrivedAt: queuedAt, startedAt, firstTextAt, start } = account.generations.at(-1) ?? {};
  const text = (note: unknown) => (typeof note === "string" ? note : null);
  const between = (from: number | undefined, until: number | undefined) =>
    from === undefined ? 0 : round((until ?? now) - from, 1);
  return {
    id: requestId,
    route,
    key: text(account.notes["key"]),
    model: text(account.notes["model"]),
    elapsed_ms: round(now - arrivedAt, 1),
    phase: phaseOf(account.generations.at(-1)),
    queue_ms: between(queuedAt, startedAt),
    prefill_ms: between(startedAt, firstTextAt),
    decode_ms: between(firstTextAt, undefined),
    prompt_tokens: start?.promptTokens ?? null,
    cached_prompt_tokens: start?.cachedPromptTokens ?? null,
  };
}

function phaseOf(latest: AccountedGeneration | undefined): RunningAnswer["phase"] {
  if (latest === undefined || latest.end !== undefined) return "outside";
  if (latest.startedAt === undefined) return "queue";
  return latest.firstTextAt === undefined ? "prefill" : "decode";
}
