import koffi from "koffi";
import type { GenerationRequest } from "../../../src/inference/engine.ts";
import { TokenBatch } from "../../../src/inference/llama/batch.ts";
import { loadLlama } from "../../../src/inference/llama/bindings.ts";
import { LlamaModel } from "../../../src/inference/llama/model.ts";
import { type Generated, InProcessEngine } from "../in-process-engine.ts";
import { SeededRandom } from "../random.ts";
import { END_OF_TEXT, VOCABULARY } from "./metadata.ts";

const COMPLETION = 12;
/** Below this two tokens count as equally likely: batches of other shapes round otherwise. */
const TIE = 0.05;

interface Step {
  readonly token: number;
  readonly logprob: number;
  /** Of the likeliest other token. */
  readonly runnerUp: number;
}

/** Greedy continuations, each from nothing, in a context of its own with one sequence. */
class Alone {
  readonly #llama = loadLlama();
  readonly #model: LlamaModel;
  readonly #known = new Map<string, readonly Step[]>();

  constructor(path: string) {
    this.#model = LlamaModel.load(this.#llama, { path, gpuLayers: 0 });
  }

  continue(prompt: readonly number[]): readonly Step[] {
    const key = prompt.join();
    const steps = this.#known.get(key) ?? this.#compute(prompt);
    this.#known.set(key, steps);
    return steps;
  }

  free(): void {
    this.#model.free();
  }

  #compute(prompt: readonly number[]): readonly Step[] {
    const llama = this.#llama;
    const context = llama.withLog(
      () => {},
      () =>
        llama.llama_init_from_model(this.#model.handle, {
          ...llama.llama_context_default_params(),
          n_ctx: 512,
          n_batch: 256,
          n_ubatch: 256,
          n_seq_max: 1,
          n_outputs_max: 1,
          n_threads: 1,
          n_threads_batch: 1,
        }),
    );
    if (context === null) throw new Error("no context");
    try {
      const steps: Step[] = [];
      const batch = new TokenBatch(256);
      let position = 0;
      for (let next = prompt; steps.length < COMPLETION; ) {
        batch.clear();
        for (const [index, token] of next.entries())
          batch.add(token, position++, 0, index === next.length - 1);
        const status = llama.llama_decode(context, batch.struct());
        if (status !== 0) throw new Error(`llama_decode returned ${status}`);
        const pointer = llama.llama_get_logits_ith(context, next.length - 1);
        if (pointer === null) throw new Error("no logits");
        const step = likeliest(new Float32Array(koffi.view(pointer, this.#model.vocabulary.size * 4)));
        steps.push(step);
        next = [step.token];
      }
      return steps;
    } finally {
      llama.llama_free(context);
    }
  }
}

function likeliest(logits: Float32Array): Step {
  const order = [...logits.keys()].filter((token) => token !== END_OF_TEXT);
  order.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
  const [token = 0, second = 0] = order;
  const top = logits[token] ?? 0;
  const normalizer = top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  return { token, logprob: top - normalizer, runnerUp: (logits[second] ?? 0) - normalizer };
}

function request(prompt: readonly number[], rest: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    prompt: { parts: [{ type: "tokens", tokens: prompt }], addBos: false },
    maxTokens: COMPLETION,
    sampling: { temperature: 0, seed: 1, logitBias: [{ token: END_OF_TEXT, bias: -1000 }] },
    stop: [],
    logprobs: 1,
    ...rest,
  };
}

/** Tokens that are words or letters, the same for every seed. */
export function words(count: number, seed: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => END_OF_TEXT + 1 + random.integer(VOCABULARY - END_OF_TEXT - 1));
}

export interface Situation {
  readonly name: string;
  readonly cached: number;
  /** What is different from the same request alone; undefined where nothing is. */
  readonly difference: string | undefined;
}

/**
 * Puts a model through everything that a scheduler does with its memory, and compares each answer with the one that
 * the same prompt has alone.
 */
export async function runSituations(
  modelPath: string,
  options: { readonly sequences: number; readonly kvLayout: "separate" | "shared" },
): Promise<readonly Situation[]> {
  const alone = new Alone(modelPath);
  const engine = new InProcessEngine({ modelPath, ...options, contextSize: 512, speculation: true });
  const situations: Situation[] = [];
  const run = async (prompts: Readonly<Record<string, readonly number[]>>) => {
    const answers = await engine.run(Object.values(prompts).map((prompt) => request(prompt)));
    for (const [index, [name, prompt]] of Object.entries(prompts).entries()) {
      const answer = answers[index] as Generated;
      const difference = differenceFrom(alone.continue(prompt), answer);
      situations.push({ name, cached: answer.usage.cachedPromptTokens, difference });
    }
  };
  const first = words(60, 1);
  const system = words(40, 2);
  const withSystem = (seed: number) => [...system, ...words(20, seed)];
  const repetitive = Array.from({ length: 8 }, () => words(6, 3)).flat();
  await run({ fresh: first });
  await run({ repeated: first });
  await run({ "cut to its beginning": first.slice(0, 50) });
  await run({ "another ending": [...first.slice(0, 45), ...words(15, 4)] });
  await run({ "first turn": withSystem(10) });
  const answered = [...withSystem(10), ...alone.continue(withSystem(10)).map(({ token }) => token)];
  await run({ "second turn": [...answered, ...words(10, 11)] });
  await run({ "same system prompt": withSystem(12) });
  await run({ "same system prompt again": withSystem(13) });
  await run({
    "four at once, 1": withSystem(14),
    "four at once, 2": withSystem(15),
    "four at once, 3": words(30, 16),
    "four at once, 4": repetitive,
  });
  await engine.cancelled(request(withSystem(17)), 3);
  await run({ "after a cancellation": withSystem(17) });
  const joined = await engine.joined(request(withSystem(18)), 4, request(withSystem(19)));
  for (const [index, seed] of [18, 19].entries()) {
    const answer = joined[index] as Generated;
    const difference = differenceFrom(alone.continue(withSystem(seed)), answer);
    const name = index === 0 ? "busy" : "joining it";
    situations.push({ name, cached: answer.usage.cachedPromptTokens, difference });
  }
  await run({ drafts: repetitive, "drafts again": [...repetitive, ...repetitive.slice(0, 3)] });
  await run({ "fresh again": first });
  alone.free();
  engine.free();
  return situations;
}

/** Compares up to the first tie, where rounding decides. */
function differenceFrom(expected: readonly Step[], { tokens }: Generated): string | undefined {
  for (const [index, step] of expected.entries()) {
    const actual = tokens[index];
    if (actual === undefined) return `ends at token ${index}`;
    const margin = step.logprob - step.runnerUp;
    if (actual.token !== step.token)
      return margin < TIE ? undefined : `token ${index} is another one (margin ${margin.toFixed(3)})`;
    const drift = Math.abs((actual.logprob ?? Number.NaN) - step.logprob);
    if (!(drift < TIE)) return `token ${index} is likelier or less likely by ${drift.toFixed(3)}`;
  }
  return undefined;
}
