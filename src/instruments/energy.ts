import { type Static, Type } from "typebox";
import type { EnergyAccount } from "../telemetry/energy/energy-account.ts";
import type { LedgerRow } from "../telemetry/ledger/row.ts";
import { round } from "../telemetry/timings.ts";

const OrNull = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });

export const Energy = Type.Object({
  method: Type.Union([Type.Literal("rapl"), Type.Null()], {
    description: "How it is measured: the processors' own counters. Null where it is not.",
  }),
  reason: Type.Union([Type.String(), Type.Null()], { description: "Why it is not measured." }),
  requests_joules: OrNull("Of steps, all requests' together, since the server's start."),
  idle_joules: OrNull(
    "Of the time between steps. Both add up to what the counters say of the whole machine.",
  ),
  unknown_ms: OrNull("Time of which nothing is known, because a counter was set back."),
  joules_per_completion_token: OrNull("All of the requests' energy over the tokens that they generated."),
  prompt_tokens: Type.Integer({ description: "Since the server's start, of requests that are over." }),
  completion_tokens: Type.Integer(),
  uptime_ms: Type.Number(),
  busy_ms: Type.Number({ description: "In which an engine ran steps." }),
  cost: Type.Union(
    [
      Type.Object({
        energy: OrNull("Of the whole machine, at PRICE_PER_KWH."),
        machine: OrNull("Of the time, at MACHINE_PRICE_PER_HOUR."),
        per_million_completion_tokens: OrNull(
          "Both over the tokens generated: what they cost as the server was used.",
        ),
        per_million_at_full_use: OrNull("The same if the server had been busy all the time."),
      }),
      Type.Null(),
    ],
    { description: "In the currency of the prices; null where neither is set." },
  ),
});
export type Energy = Static<typeof Energy>;

export interface EnergyMeterOptions {
  readonly account: EnergyAccount | undefined;
  /** Why there is none. */
  readonly reason: string | undefined;
  readonly pricePerKwh: number;
  readonly machinePricePerHour: number;
  /** Milliseconds that engines have spent in steps. */
  readonly busyMs: () => number;
  /** Milliseconds; the server's start is when this is made. */
  readonly clock: () => number;
}

const JOULES_PER_KWH = 3.6e6;
const MS_PER_HOUR = 3.6e6;

/** What the server's work has taken and cost since its start. */
export class EnergyMeter {
  readonly #options: EnergyMeterOptions;
  readonly #startedAt: number;
  #promptTokens = 0;
  #completionTokens = 0;

  constructor(options: EnergyMeterOptions) {
    this.#options = options;
    this.#startedAt = options.clock();
  }

  /** A request is over. */
  record({ promptTokens, completionTokens }: LedgerRow): void {
    this.#promptTokens += promptTokens;
    this.#completionTokens += completionTokens;
  }

  describe(): Energy {
    const { account, reason = null, clock } = this.#options;
    const busyMs = this.#options.busyMs();
    const totals = account?.totals;
    const uptimeMs = clock() - this.#startedAt;
    const completions = this.#completionTokens;
    const perToken = totals === undefined || completions === 0 ? null : totals.requests / completions;
    return {
      method: account === undefined ? null : "rapl",
      reason,
      requests_joules: totals === undefined ? null : round(totals.requests, 3),
      idle_joules: totals === undefined ? null : round(totals.idle, 3),
      unknown_ms: totals === undefined ? null : round(totals.unknownMs, 1),
      joules_per_completion_token: perToken === null ? null : round(perToken, 6),
      prompt_tokens: this.#promptTokens,
      completion_tokens: completions,
      uptime_ms: Math.round(uptimeMs),
      busy_ms: Math.round(busyMs),
      cost: this.#cost(totals && totals.requests + totals.idle, uptimeMs, busyMs),
    };
  }

  #cost(joules: number | undefined, uptimeMs: number, busyMs: number): Energy["cost"] {
    const { pricePerKwh, machinePricePerHour } = this.#options;
    if (pricePerKwh === 0 && machinePricePerHour === 0) return null;
    const energy = joules === undefined || pricePerKwh === 0 ? null : (joules / JOULES_PER_KWH) * pricePerKwh;
    const machine = machinePricePerHour === 0 ? null : (uptimeMs / MS_PER_HOUR) * machinePricePerHour;
    const whole = (energy ?? 0) + (machine ?? 0);
    const perMillion = (cost: number) =>
      this.#completionTokens === 0 ? null : round((cost * 1e6) / this.#completionTokens, 4);
    return {
      energy: energy === null ? null : round(energy, 6),
      machine: machine === null ? null : round(machine, 6),
      per_million_completion_tokens: perMillion(whole),
      per_million_at_full_use:
        uptimeMs > 0 ? perMillion((whole * Math.min(busyMs, uptimeMs)) / uptimeMs) : null,
    };
  }
}
