import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { type Clock, monotonicMs } from "../../platform/clock.ts";
import { patientFetch, type Response } from "../../platform/patient-fetch.ts";
import { backoffMs, retryAfterMs } from "./retry.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface UpstreamOptions {
  /** As far as `/v1`, without a slash at the end. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  /** Longest wait for one try. */
  readonly timeoutMs: number;
  /** Tries in all, for failures that may pass; 3 when left out. */
  readonly tries?: number;
  readonly clock?: Clock;
  /** In [0, 1): spreads the retries of many. */
  readonly random?: () => number;
}

export interface UpstreamRequest {
  readonly messages: ReadonlyArray<{
    readonly role: "system" | "user" | "assistant";
    readonly content: string;
  }>;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  /** The answer must be JSON of this schema. */
  readonly schema?: { readonly name: string; readonly schema: object };
  /** Score the answer's tokens, with this many of the likeliest beside each. */
  readonly topLogprobs?: number;
}

const Score = Type.Object({
  token: Type.String(),
  logprob: Type.Number(),
  bytes: Type.Optional(Type.Union([Type.Array(Type.Integer()), Type.Null()])),
});
const ScoredToken = Type.Object({ ...Score.properties, top_logprobs: Type.Optional(Type.Array(Score)) });
const Optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const Completion = Type.Object({
  choices: Type.Array(
    Type.Object({
      message: Type.Object({ content: Optional(Type.String()), refusal: Optional(Type.String()) }),
      logprobs: Optional(Type.Object({ content: Optional(Type.Array(ScoredToken)) })),
    }),
    { minItems: 1 },
  ),
  usage: Optional(
    Type.Object({
      prompt_tokens: Type.Integer(),
      completion_tokens: Type.Integer(),
      prompt_tokens_details: Optional(Type.Object({ cached_tokens: Optional(Type.Integer()) })),
    }),
  ),
});

export type UpstreamToken = Static<typeof ScoredToken>;

export interface UpstreamAnswer {
  readonly text: string;
  /** Empty when the upstream does not score tokens. */
  readonly tokens: readonly UpstreamToken[];
  readonly usage: {
    readonly promptTokens: number;
    readonly cachedPromptTokens: number;
    readonly completionTokens: number;
  };
  readonly latencyMs: number;
}

/** Far more than any answer of a chat completion with its tokens' scores. */
const MAX_ANSWER_BYTES = 32 * 2 ** 20;

/** A model behind an OpenAI-compatible API: `POST /chat/completions`, answered whole. */
export class UpstreamChat {
  readonly #options: UpstreamOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** Some servers refuse the parameter; they are not asked twice. */
  #scoresTokens = true;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicMs;
    this.#random = options.random ?? Math.random;
  }

  get model(): string {
    return this.#options.model;
  }

  /**
   * Asks for one answer. 408, 429, 5xx and broken connections are tried again, after the time the upstream names or a
   * growing one.
   * @throws UpstreamError; whatever `signal` was aborted with
   */
  async complete(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer> {
    const startedAt = this.#clock();
    const { tries = 3 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const { choices, usage } = await this.#post(request, signal);
        const choice = choices[0] as (typeof choices)[number];
        return {
          text: choice.message.content ?? "",
          tokens: choice.logprobs?.content ?? [],
          usage: {
            promptTokens: usage?.prompt_tokens ?? 0,
            cachedPromptTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
            completionTokens: usage?.completion_tokens ?? 0,
          },
          latencyMs: this.#clock() - startedAt,
        };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UpstreamError)) throw error;
        if (this.#scoresTokens && error.isAbout("logprobs")) {
          this.#scoresTokens = false;
          continue;
        }
        if (!error.isTransient || attempt >= tries) throw error;
        await pause(error.retryAfterMs ?? backoffMs(attempt, this.#random), signal);
      }
    }
  }

  async #post(request: UpstreamRequest, signal: AbortSignal): Promise<Static<typeof Completion>> {
    const { baseUrl, apiKey, timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await patientFetch(`${baseUrl}/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify(this.#body(request)),
        signal: AbortSignal.any([signal, timeout]),
      });
      const text = await readText(response);
      if (!response.ok) throw refusal(response, apiKey === undefined ? text : text.replaceAll(apiKey, "…"));
      const body = parseJson(text);
      if (!Value.Check(Completion, body)) throw new UpstreamError("answered with no chat completion", {});
      return body;
    } catch (error) {
      if (error instanceof UpstreamError || signal.aborted) throw error;
      const reason = timeout.aborted
        ? `did not answer within ${timeoutMs} ms`
        : `can't be reached: ${cause(error)}`;
      throw new UpstreamError(reason, { isTransient: true, cause: error });
    }
  }

  #body({ messages, maxTokens, temperature, seed, schema, topLogprobs }: UpstreamRequest): object {
    return {
      model: this.#options.model,
      messages,
      max_tokens: maxTokens,
      temperature,
      seed,
      ...(schema !== undefined && {
        response_format: { type: "json_schema", json_schema: { ...schema, strict: true } },
      }),
      ...(topLogprobs !== undefined && this.#scoresTokens && { logprobs: true, top_logprobs: topLogprobs }),
    };
  }
}

const ErrorBody = Type.Object({
  error: Type.Object({
    message: Type.String(),
    code: Optional(Type.String()),
    param: Optional(Type.String()),
  }),
});

function refusal(response: Response, text: string): UpstreamError {
  const body = parseJson(text);
  const error = Value.Check(ErrorBody, body) ? body.error : undefined;
  return new UpstreamError(`answered ${response.status}: ${error?.message ?? text.slice(0, 200)}`, {
    status: response.status,
    code: error?.code ?? undefined,
    param: error?.param ?? undefined,
    isTransient: response.status === 408 || response.status === 429 || response.status >= 500,
    retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
  });
}

/** @throws UpstreamError for an answer without end */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new UpstreamError(`answered with more than ${MAX_ANSWER_BYTES} bytes`, {});
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node's fetch says `fetch failed` and keeps the reason to itself. */
function cause(error: unknown): string {
  const { message, cause: reason } = error as Error;
  return reason instanceof Error ? reason.message || String((reason as NodeJS.ErrnoException).code) : message;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
