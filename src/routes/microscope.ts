import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type Static, Type } from "typebox";
import { ModelName } from "../dialects/model-name.ts";
import { toMessages } from "../dialects/openai/chat/messages.ts";
import { ChatCompletionBody } from "../dialects/openai/chat/schema.ts";
import { SamplingFields } from "../dialects/openai/fields.ts";
import { toSampling } from "../dialects/openai/sampling.ts";
import { InvalidRequestError } from "../errors.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Prompt } from "../inference/engine.ts";
import { MAX_LOOKED_AT } from "../inference/microscope/job.ts";
import type { Microscope } from "../inference/microscope/microscope.ts";
import { type Records, recordedText } from "../instruments/microscope/recorded.ts";
import { describeLook, LookAnswer } from "../instruments/microscope/schema.ts";
import { isSet, OrNull } from "../platform/schema/nullable.ts";
import { LongText } from "../platform/schema/text.ts";
import type { ServedModel } from "../serving/served-model.ts";
import type { ServedModels } from "../serving/served-models.ts";
import { withModel } from "./openai/with-model.ts";

/** Tokens that the model may write for a look. */
const MAX_NEW_TOKENS = 64;

const { stop: _stop, ...Sampling } = SamplingFields;
const LookBody = Type.Object({
  model: OrNull(ModelName),
  request: OrNull(
    Type.String({
      minLength: 1,
      maxLength: 128,
      format: "text",
      description: "An answered request, by either of its ids, whose text `LEDGER_CONTENT=all` has kept.",
    }),
  ),
  prompt: OrNull(LongText),
  messages: Type.Optional(ChatCompletionBody.properties.messages),
  parse_special: OrNull(
    Type.Boolean({
      default: false,
      description: "Read `<|im_start|>` and the like in `prompt` as special tokens.",
    }),
  ),
  max_tokens: Type.Integer({
    minimum: 0,
    maximum: MAX_NEW_TOKENS,
    default: 16,
    description: "Tokens that the model writes, where `request` gives no answer.",
  }),
  layer: OrNull(Type.Integer({ minimum: 0, maximum: 10_000, description: "The mean of all when left out." })),
  head: OrNull(Type.Integer({ minimum: 0, maximum: 10_000, description: "The mean of all when left out." })),
  ...Sampling,
});
type LookBody = Static<typeof LookBody>;

const Answer = answerSchema(LookAnswer.properties, "What the model saw, weighed and chose.");

export interface MicroscopeDependencies extends Records {
  readonly microscope: Microscope;
  readonly models: ServedModels;
  /** `LLAMA_LIBRARY_DIR` */
  readonly libraryDirectory: string | undefined;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
}

/** Looks into the model while it reads a text: tokens, stages of the sampler, attention. */
export function microscopeRoutes({
  microscope,
  models,
  libraryDirectory,
  randomSeed,
  ...records
}: MicroscopeDependencies): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/microscope",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Look into the model while it reads and writes",
          description: `Every token with its probability, what each stage of the sampler left, and what the heads attend to: of a text, of messages, or of a request that was answered; up to ${MAX_LOOKED_AT} tokens. It is computed in a process of its own.`,
          body: LookBody,
          response: responseSchemas(Answer, 400, 401, 404, 429, 503),
        },
      },
      async ({ body, context }) => {
        assertOneText(body);
        const recorded = isSet(body.request) ? await recordedText(body.request, records) : undefined;
        const wanted = { model: body.model ?? recorded?.model };
        return withModel(models, wanted, context, async (model) => {
          const { name, path, threads, flashAttention } = model.engine.describe();
          const sampling = recorded?.sampling ?? { seed: randomSeed(), ...toSampling(body) };
          const layer = body.layer ?? undefined;
          const head = body.head ?? undefined;
          const look = await microscope.look(
            {
              libraryDirectory,
              modelPath: path,
              adapter: model.adapter,
              threads,
              isFlashAttention: flashAttention.isOn,
              prompt: recorded?.prompt ?? promptOf(body, model),
              answer: recorded?.answer,
              maxTokens: body.max_tokens,
              sampling,
              layer,
              head,
            },
            context.signal,
          );
          return { model: name, seed: sampling.seed, ...describeLook(look, { layer, head }) };
        });
      },
    );
  };
}

function assertOneText({ request, prompt, messages }: LookBody): void {
  const given = [isSet(request), isSet(prompt), messages !== undefined].filter(Boolean).length;
  if (given !== 1)
    throw new InvalidRequestError("One of prompt, messages and request is required, and only one.", {
      param: "prompt",
    });
}

function promptOf({ prompt, messages, parse_special }: LookBody, { assistant }: ServedModel): Prompt {
  if (!isSet(prompt)) return assistant.render({ messages: toMessages(messages ?? [], []) });
  return { parts: [{ type: "text", text: prompt, parseSpecial: parse_special ?? false }], addBos: true };
}
