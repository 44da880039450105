import { type Static, Type } from "typebox";
import { type Clock, monotonicMs } from "../platform/clock.ts";
import { OrNull } from "../platform/schema/nullable.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { ContextReceipt, contextReceipt } from "./context-receipt.ts";
import type { LatencyParts } from "./latency-parts.ts";
import type { RequestAccount } from "./request-account.ts";
import type { RequestContext } from "./request-context.ts";
import { round } from "./timings.ts";
import { type LimiterClass, limiterClasses, type Verdict, verdict } from "./verdict.ts";

/** Milliseconds by part or class; those that took nothing are absent. */
const Milliseconds = <Name extends string>(description: string) =>
  Type.Unsafe<Partial<Record<Name, number>>>({
    type: "object",
    additionalProperties: { type: "number" },
    description,
  });

export const Limiter = Type.Object(
  {
    class: OneOf(limiterClasses, { description: "What most of the time went to." }),
    share: Type.Number({ description: "Its share of the latency, 0 to 1." }),
    classes_ms: Milliseconds<LimiterClass>("The latency by class, the largest first."),
    cause: Type.String({ description: "The same in words, with numbers." }),
    lever: Type.Union([Type.String(), Type.Null()], {
      description: "One setting or habit that would help; null where there is none.",
    }),
    saves_ms: Type.Number({
      description: "First-order estimate: the latency without this class would be that much shorter.",
    }),
    unexplained_ms: Type.Number({ description: "What steps took beyond what steps of their size do." }),
  },
  { description: "What bounded the answer." },
);
export type Limiter = Static<typeof Limiter>;

export const AnswerAccount = Type.Object(
  {
    latency_ms: Type.Number({ description: "First byte in to this account; `parts_ms` add up to it." }),
    parts_ms: Milliseconds<keyof LatencyParts>("Each millisecond belongs to one part (docs/instruments.md)."),
    limiter: Limiter,
  },
  { description: "Where the answer's time went; sent on request." },
);
export type AnswerAccount = Static<typeof AnswerAccount>;

/** What an answer can be asked to carry beside itself. */
export const IncludeField = {
  include: OrNull(
    Type.Array(OneOf(["account", "context_receipt"]), {
      maxItems: 16,
      description:
        "Extra: `account` adds where the answer's time went, `context_receipt` what of the prompt came from the cache.",
    }),
  ),
};

export const AccountField = {
  account: Type.Optional(AnswerAccount),
  context_receipt: Type.Optional(ContextReceipt),
};

/** The fields that `include` asks for, as of now; none where nothing was generated. */
export function accountField(
  { include }: { readonly include?: readonly string[] | null },
  { account, arrivedAt }: Pick<RequestContext, "account" | "arrivedAt">,
  clock: Clock = monotonicMs,
): { readonly account?: AnswerAccount; readonly context_receipt?: ContextReceipt } {
  const isWanted = (field: keyof typeof AccountField) => include?.includes(field) === true;
  const limits = isWanted("account") ? limitsOf(account, arrivedAt, clock()) : undefined;
  const receipt = isWanted("context_receipt") ? contextReceipt(account) : undefined;
  return {
    ...(limits !== undefined && { account: describe(limits) }),
    ...(receipt !== undefined && { context_receipt: receipt }),
  };
}

/** The same of an answer whose parts are known. */
export function toAccount(
  parts: LatencyParts,
  usage: Parameters<typeof verdict>[1],
  isCached: boolean,
): AnswerAccount {
  const totalMs = Object.values(parts).reduce((sum, ms) => sum + ms, 0);
  return describe({ parts, totalMs, verdict: verdict(parts, usage, isCached) });
}

function describe({ parts, totalMs, verdict }: Limits): AnswerAccount {
  return { latency_ms: round(totalMs, 2), parts_ms: hundredths(parts), limiter: toLimiter(verdict) };
}

function toLimiter(found: Verdict): Limiter {
  return {
    class: found.class,
    share: round(found.share, 4),
    classes_ms: hundredths(found.classesMs),
    cause: found.cause,
    lever: found.lever,
    saves_ms: round(found.savesMs, 2),
    unexplained_ms: round(found.unexplainedMs, 2),
  };
}

interface Limits {
  readonly parts: LatencyParts;
  readonly verdict: Verdict;
  readonly totalMs: number;
}

/** Where the time of an answer went, and what bounded it; undefined where nothing was generated. */
export function limitsOf(account: RequestAccount, arrivedAt: number, endedAt: number): Limits | undefined {
  const { usage, isCached } = account;
  if (usage === undefined) return undefined;
  const parts = account.parts(arrivedAt, endedAt);
  return { parts, verdict: verdict(parts, usage, isCached), totalMs: endedAt - arrivedAt };
}

function hundredths<Part extends string>(
  ms: Readonly<Partial<Record<Part, number>>>,
): Partial<Record<Part, number>> {
  const entries = Object.entries<number | undefined>(ms).map(([part, value = 0]) => [part, round(value, 2)]);
  return Object.fromEntries(entries) as Partial<Record<Part, number>>;
}
