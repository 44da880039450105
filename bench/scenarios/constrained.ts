import { readGbnf } from "../../src/assistant/structured/gbnf.ts";
import { schemaProgram } from "../../src/assistant/structured/schema-program.ts";
import { ChatTemplate } from "../../src/assistant/template/template.ts";
import { judgePrompt } from "../../src/features/evaluation/judge-prompt.ts";
import { type Form, json } from "../../src/inference/constraints/expression.ts";
import { TokenForms } from "../../src/inference/constraints/token-forms.ts";
import { TokenMatcher } from "../../src/inference/constraints/token-matcher.ts";
import { TokenTable } from "../../src/inference/constraints/token-table.ts";
import { loadLlama } from "../../src/inference/llama/bindings.ts";
import { Candidates } from "../../src/inference/llama/candidates.ts";
import { LlamaContext } from "../../src/inference/llama/context.ts";
import { LlamaModel } from "../../src/inference/llama/model.ts";
import { Sampler } from "../../src/inference/llama/sampler.ts";
import { monotonicMs } from "../../src/platform/clock.ts";
import type { Measurement } from "../report/report.ts";
import { mean, median, percentile, spreadOf } from "../report/statistics.ts";
import { maskTimes, tokenTable, vocabularySizes } from "./mask-times.ts";
import type { Scenario } from "./scenario.ts";

interface Task {
  readonly name: string;
  readonly request: string;
  readonly form: Form;
}

const bySchema = (name: string, request: string, schema: unknown): Task => ({
  name,
  request,
  form: { start: json(schemaProgram(schema, { path: "schema" })) },
});
const closed = (properties: Readonly<Record<string, unknown>>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** What applications ask for, in words that the built-in model was trained on: it wants nearly all that is allowed. */
const trained: readonly Task[] = [
  bySchema(
    "a record",
    "Invent a person. Answer as JSON with the fields name, age and city.",
    closed({
      name: { type: "string", maxLength: 30 },
      age: { type: "integer", minimum: 0, maximum: 120 },
      city: { type: "string", maxLength: 30 },
    }),
  ),
  bySchema(
    "a score",
    judgePrompt(
      { prompt: "What is a token?", response: "A token is a piece of text that a model reads." },
      "clarity",
    ),
    closed({
      score: { type: "integer", minimum: 1, maximum: 10 },
      rationale: { type: "string", maxLength: 240 },
    }),
  ),
  bySchema("a list", "Write this list as a JSON array: cat, dog, horse, mouse, bird", {
    type: "array",
    items: { type: "string", maxLength: 20 },
    maxItems: 12,
  }),
];

/** Random weights want nothing, so a grammar of any text shows the cost of the test alone. */
const untrained: readonly Task[] = [
  { name: "any text", request: "Write.", form: readGbnf("root ::= [^\\x00]*") },
];

const MAX_TOKENS = 80;
const GENERATIONS = 30;

/** What a constraint adds to choosing a token, and to the whole time of one; in this process, where nothing else is in it. */
export const constrained: Scenario = {
  summary: "sampling under a JSON schema beside free sampling, one sequence (name a trained model)",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    const bench = new SamplingBench(context.model.path);
    const tasks = context.model.isSynthetic ? untrained : trained;
    const measurements: Measurement[] = [];
    const ratios: number[] = [];
    // The just-in-time compiler is warm before anything is measured.
    for (const { request, form } of tasks) {
      await bench.measure(request, undefined, 0);
      await bench.measure(request, form, 0);
    }
    for (let round = 1; round <= (context.options.rounds ?? 5); round++) {
      for (const task of tasks) {
        context.signal.throwIfAborted();
        const seed = context.options.seed + 1000 * round;
        const free = await bench.measure(task.request, undefined, seed);
        const held = await bench.measure(task.request, task.form, seed);
        for (const [side, figures] of [
          ["free", free],
          ["constrained", held],
        ] as const) {
          measurements.push({ case: task.name, side, round, figures: { ...figures }, failures: {} });
          context.say(
            `  ${task.name}, ${side} (round ${round}): ${figures.sampleMicroseconds.toFixed(1)} µs a token to sample, ` +
              `${figures.tokenMicroseconds.toFixed(0)} µs in all, ${figures.tokens} tokens`,
          );
        }
        ratios.push(held.tokenMicroseconds / free.tokenMicroseconds);
      }
    }
    const sampling = tasks.map(({ name }) => {
      const of = (side: string) =>
        median(
          measurements
            .filter((each) => each.case === name && each.side === side)
            .map(({ figures }) => figures["sampleMicroseconds"] ?? Number.NaN),
        );
      return of("constrained") / of("free");
    });
    const whole = spreadOf(ratios);
    const forms = [...trained, ...untrained].map(({ form }) => form);
    const masks = vocabularySizes.map((size) => {
      const times = maskTimes(tokenTable(size), forms, context.options.seed);
      const figures = { p50: median(times), p99: percentile(times, 99), mean: mean(times) };
      measurements.push({ case: `masks of ${size} tokens`, side: "µs", round: 1, figures, failures: {} });
      return figures;
    });
    const worst = (name: "p50" | "p99" | "mean") => Math.max(...masks.map((figures) => figures[name]));
    return {
      measurements,
      checks: [
        {
          what: "time to sample a token, constrained / free, by task",
          measured: sampling.map((ratio) => ratio.toFixed(2)).join(", "),
          bar: "≤ 1.3",
          isMet: median(sampling) <= 1.3,
        },
        {
          what: "time of a token with its decode, constrained / free",
          measured: `${whole.median.toFixed(3)} (${whole.min.toFixed(3)} – ${whole.max.toFixed(3)})`,
          bar: "≤ 1.05",
          isMet: whole.median <= 1.05,
        },
        {
          what: `time of a mask, vocabularies of ${vocabularySizes.join(" and ")} tokens: p50, p99, mean`,
          measured: masks
            .map(({ p50, p99, mean }) => `${p50.toFixed(1)}, ${p99.toFixed(0)}, ${mean.toFixed(0)} µs`)
            .join("; "),
          bar: "≤ 100, 2,000, 200 µs",
          isMet: worst("p50") <= 100 && worst("p99") <= 2000 && worst("mean") <= 200,
        },
      ],
      charts: [],
      notes: [],
    };
  },
};

interface Cost {
  /** Mean time to choose a token, and to choose and decode one. */
  readonly sampleMicroseconds: number;
  readonly tokenMicroseconds: number;
  readonly tokens: number;
}

/** One sequence, generated by hand: decode, sample, decode, … */
class SamplingBench {
  readonly #llama = loadLlama();
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #candidates: Candidates;
  readonly #forms: TokenForms;

  constructor(path: string) {
    this.#model = LlamaModel.load(this.#llama, { path, gpuLayers: 0 });
    this.#context = new LlamaContext(this.#llama, this.#model, {
      sequences: 1,
      contextPerSequence: 512,
      batchSize: 512,
      maxOutputs: 1,
      threads: 1,
      cpus: [],
      kvCacheType: "f16",
      kvLayout: "separate",
    });
    this.#candidates = new Candidates(this.#model.vocabulary.size);
    this.#forms = new TokenForms(new TokenTable(this.#model.vocabulary));
  }

  async measure(request: string, form: Form | undefined, seed: number): Promise<Cost> {
    const { vocabulary, chatTemplate } = this.#model;
    const template = new ChatTemplate({ chatTemplate, bosText: "", eosText: "", specialTexts: [] });
    const { parts } = template.render([{ role: "user", content: request }]);
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    const prompt = vocabulary.tokenize(text, { addSpecial: true, parseSpecial: true });
    let [sampleMs, wholeMs, tokens] = [0, 0, 0];
    for (let generation = 0; generation < GENERATIONS; generation++) {
      const filter = form && new TokenMatcher(this.#forms.get({ key: JSON.stringify(form), form }));
      const sampling = { temperature: 0.7, topP: 0.95, seed: seed + generation };
      const sampler = new Sampler(this.#llama, this.#context, this.#candidates, sampling, prompt, filter);
      this.#context.truncate(0, 0);
      let row = this.#decode(prompt, 0);
      for (let count = 0; count < MAX_TOKENS; count++) {
        const startedAt = monotonicMs();
        const token = sampler.sample(row);
        const sampledAt = monotonicMs();
        tokens++;
        sampleMs += sampledAt - startedAt;
        if (vocabulary.isEndOfGeneration(token)) break;
        row = this.#decode([token], prompt.length + count);
        wholeMs += monotonicMs() - startedAt;
      }
      sampler.free();
    }
    return {
      sampleMicroseconds: (1000 * sampleMs) / tokens,
      tokenMicroseconds: (1000 * wholeMs) / tokens,
      tokens,
    };
  }

  /** Returns the row of the last token's logits. */
  #decode(tokens: ArrayLike<number>, start: number): number {
    const { batch } = this.#context;
    batch.clear();
    let row = 0;
    for (let index = 0; index < tokens.length; index++)
      row = batch.add(tokens[index] as number, start + index, 0, index === tokens.length - 1);
    this.#context.decode();
    return row;
  }
}
