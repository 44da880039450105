import { setTimeout as delay } from "node:timers/promises";
import { monotonicMs } from "../../src/platform/clock.ts";
import { Attacker } from "../load/attacker.ts";
import type { AttackReport } from "../load/attacker-process.ts";
import { Bystander } from "../load/bystander.ts";
import { allForms, eachForm } from "../load/hostile-attacks.ts";
import type { Check, Measurement } from "../report/report.ts";
import { median, percentile } from "../report/statistics.ts";
import { API_KEY } from "../servers/launches.ts";
import type { Scenario } from "./scenario.ts";

const CALM_ROUNDS = 15;
const ROUNDS = 5;
const CALM_MS = 600;
const TOOL_REQUESTS = 7;
const tools = {
  model: "default",
  messages: [{ role: "user", content: "Look at red." }],
  tools: [
    {
      type: "function",
      function: {
        name: "look",
        parameters: {
          type: "object",
          properties: { colour: { enum: ["red", "blue"] } },
          required: ["colour"],
        },
      },
    },
  ],
  tool_choice: "required",
  max_tokens: 32,
  temperature: 0,
};

/** Schemas, patterns and grammars made to be expensive: how soon they are answered, and what others feel of them. */
export const hostile: Scenario = {
  summary:
    "hostile schemas and grammars: their own time, gaps in a stream beside them, tool calls beside 300 at once",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    await using server = await context.start("ours", { clients: 8, sequences: 0 });
    const target = { url: server.url, apiKey: API_KEY };
    using attacker = new Attacker();
    /** The longest time between two pieces of a stream, while `beside` runs and a moment after. */
    const gapBeside = async (beside: () => Promise<unknown>) => {
      const bystander = new Bystander(target);
      await bystander.ready();
      await beside();
      await delay(CALM_MS / 2);
      const { gapsMs, failures } = await bystander.stop();
      if (failures.length > 0) throw new Error(failures.join("; "));
      return Math.max(...gapsMs);
    };
    for (let warm = 0; warm < 3; warm++) await gapBeside(() => delay(CALM_MS));
    const calm: number[] = [];
    for (let round = 0; round < CALM_ROUNDS; round++) calm.push(await gapBeside(() => delay(CALM_MS)));
    const usual = median(calm);
    const measurements: Measurement[] = [];
    for (const { name } of eachForm) {
      const gaps: number[] = [];
      const answers: number[] = [];
      let statuses: AttackReport["statuses"] = {};
      for (let round = 0; round < ROUNDS; round++) {
        const gap = await gapBeside(async () => {
          const report = await attacker.run({ name, ...target });
          answers.push(report.ms);
          statuses = report.statuses;
        });
        gaps.push(gap);
      }
      const [answerMs, longestGapMs] = [median(answers), median(gaps)];
      context.say(
        `  ${name}: ${Object.keys(statuses).join()} after ${answers.map((ms) => ms.toFixed(0)).join(", ")} ms; longest gaps ${gaps.map((gap) => gap.toFixed(0)).join(", ")} ms`,
      );
      const status = Number(Object.keys(statuses)[0]);
      measurements.push({
        case: name,
        side: "ours",
        round: 1,
        figures: { answerMs, status, longestGapMs, usualGapMs: usual },
        failures: {},
      });
    }
    const timeTools = async () => {
      const startedAt = monotonicMs();
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": API_KEY },
        body: JSON.stringify(tools),
      });
      await response.text();
      if (response.status !== 200) throw new Error(`a tool call was answered with ${response.status}`);
      return monotonicMs() - startedAt;
    };
    const several = async () => {
      const times: number[] = [];
      for (let round = 0; round < TOOL_REQUESTS; round++) times.push(await timeTools());
      return median(times);
    };
    await several();
    const alone = await several();
    // As long as the attack goes on.
    const beside: number[] = [];
    let isOver = false;
    const attack = attacker.run({ name: allForms.name, ...target }).finally(() => {
      isOver = true;
    });
    while (!isOver) beside.push(await timeTools());
    const { ms, statuses } = await attack;
    context.say(
      `  tool calls: ${alone.toFixed(0)} ms alone; beside ${allForms.name} (${ms.toFixed(0)} ms, ${JSON.stringify(statuses)}) ${beside.length} of them, median ${median(beside).toFixed(0)}, worst ${Math.max(...beside).toFixed(0)} ms`,
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
        check(`slowest answer to a hostile form, median of ${ROUNDS}`, slowest, 1000, " ms"),
        check(
          `longest gap of a stream beside one, median of ${ROUNDS}, over that of a calm one`,
          Math.max(...gaps),
          20,
          " ms",
        ),
        check(`median tool call beside ${allForms.name} / alone`, median(beside) / alone, 2, ""),
      ],
      charts: [],
      notes: [
        `The longest gap of such a stream alone was ${usual.toFixed(1)} ms at the median of ${CALM_ROUNDS} rounds, ${percentile(calm, 90).toFixed(1)} ms at the 90th percentile. No form is asked for twice. Server, bystander and attacker share the machine; the attacker is a process of its own.`,
      ],
    };
  },
};
