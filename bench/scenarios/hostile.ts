import { setTimeout as wait } from "node:timers/promises";
import { monotonicMs } from "../../src/platform/clock.ts";
import type { Check, Measurement } from "../report/report.ts";
import { median, percentile } from "../report/statistics.ts";
import { API_KEY } from "../servers/launches.ts";
import { hostileForms } from "./hostile-forms.ts";
import type { Scenario } from "./scenario.ts";

const STREAM_TOKENS = 400;
const ATTACKERS = 300;
const TOOL_REQUESTS = 7;
const look = {
  name: "look",
  parameters: { type: "object", properties: { colour: { enum: ["red", "blue"] } }, required: ["colour"] },
};

/** Schemas, patterns and grammars made to be expensive: how soon they are answered, and what others feel of them. */
export const hostile: Scenario = {
  summary:
    "hostile schemas and grammars: their own time, gaps in a stream beside them, tool calls beside 300 at once",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    await using server = await context.start("ours", { clients: 4, sequences: 4, contextSize: 512 });
    const send = (fields: object, signal?: AbortSignal) =>
      fetch(`${server.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": API_KEY },
        body: JSON.stringify({
          model: "default",
          messages: [{ role: "user", content: "Look at red." }],
          ...fields,
        }),
        ...(signal && { signal }),
      });
    const answer = async (fields: object, signal?: AbortSignal) => {
      const startedAt = monotonicMs();
      const response = await send(fields, signal);
      await response.text();
      return { ms: monotonicMs() - startedAt, status: response.status };
    };
    /** The longest time between two pieces of a stream, while `beside` runs. */
    const gapBeside = async (beside: () => Promise<unknown>) => {
      const left = new AbortController();
      const stream = await send(
        { stream: true, max_tokens: STREAM_TOKENS, grammar: "root ::= [a-z ]{500}" },
        left.signal,
      );
      const work = beside().finally(() => left.abort());
      let [last, longest] = [monotonicMs(), 0];
      try {
        for await (const _ of stream.body ?? []) {
          const now = monotonicMs();
          longest = Math.max(longest, now - last);
          last = now;
        }
      } catch (error) {
        if (!left.signal.aborted) throw error;
      }
      await work;
      return longest;
    };
    for (let warm = 0; warm < 3; warm++) await gapBeside(() => wait(300));
    const calm: number[] = [];
    for (let round = 0; round < 9; round++) calm.push(await gapBeside(() => wait(300)));
    const usual = median(calm);
    const measurements: Measurement[] = [];
    for (const [name, fields] of Object.entries(hostileForms)) {
      let [ms, status] = [0, 0];
      const gap = await gapBeside(async () => {
        ({ ms, status } = await answer({ max_tokens: 8, temperature: 1, seed: 1, ...fields }));
      });
      context.say(`  ${name}: ${status} after ${ms.toFixed(0)} ms; longest gap ${gap.toFixed(1)} ms`);
      measurements.push({
        case: name,
        side: "ours",
        round: 1,
        figures: { answerMs: ms, status, longestGapMs: gap, usualGapMs: usual },
        failures: {},
      });
    }
    const tools = {
      tools: [{ type: "function", function: look }],
      tool_choice: "required",
      max_tokens: 32,
      temperature: 0,
    };
    const timeTools = async () => {
      const times: number[] = [];
      for (let round = 0; round < TOOL_REQUESTS; round++) times.push((await answer(tools)).ms);
      return median(times);
    };
    await timeTools();
    const alone = await timeTools();
    const all = Object.values(hostileForms);
    const attacks = Array.from({ length: ATTACKERS }, async (_, index) => {
      const left = new AbortController();
      // Two of three go away while their schema is being compiled or waits for it.
      const leaving = index % 3 === 0 ? undefined : wait(20 + (index % 50)).then(() => left.abort());
      await answer({ max_tokens: 8, ...all[index % all.length], seed: index }, left.signal).catch((error) => {
        if (!left.signal.aborted) throw error;
      });
      await leaving;
    });
    const beside = await timeTools();
    await Promise.all(attacks);
    context.say(
      `  tool calls: ${alone.toFixed(0)} ms alone, ${beside.toFixed(0)} ms beside ${ATTACKERS} attacks`,
    );
    const figures = measurements.map((measurement) => measurement.figures);
    const slowest = Math.max(...figures.map(({ answerMs }) => answerMs ?? Number.NaN));
    const gaps = figures.map(({ longestGapMs }) => (longestGapMs ?? Number.NaN) - usual);
    const check = (what: string, measured: number, bar: number, unit: string): Check => ({
      what,
      measured: `${measured.toFixed(2)}${unit}`,
      bar: `≤ ${bar}${unit}`,
      isMet: measured <= bar,
    });
    return {
      measurements,
      checks: [
        check("slowest answer to a hostile form", slowest, 1000, " ms"),
        check("longest gap of a stream beside one, over the usual longest gap", Math.max(...gaps), 20, " ms"),
        check(`a tool call beside ${ATTACKERS} at once / alone`, beside / alone, 2, ""),
      ],
      charts: [],
      notes: [
        `The usual longest gap of such a stream was ${usual.toFixed(1)} ms (90 % of them below ${percentile(calm, 90).toFixed(1)} ms). Streams and requests share the machine with their client.`,
      ],
    };
  },
};
