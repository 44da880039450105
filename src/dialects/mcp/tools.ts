import { Type } from "typebox";
import { plainPrompt } from "../../assistant/template/transcript.ts";
import type { AgentsFeature } from "../../features/agents/create.ts";
import type { Datasets } from "../../features/datasets/datasets.ts";
import { DatasetAnswer, toDatasetAnswer } from "../../features/datasets/schema.ts";
import { BatchEvalBody } from "../../features/evaluation/runs/schema.ts";
import type { BatchEvals } from "../../features/evaluation/runs/service.ts";
import { EvaluateBody } from "../../features/evaluation/schema.ts";
import type { EvaluationService } from "../../features/evaluation/service.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import type { RagService } from "../../features/rag/answer/service.ts";
import { RagBody } from "../../features/rag/schema.ts";
import { drain } from "../../inference/completion.ts";
import { LongText } from "../../platform/schema/text.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { ModelName } from "../model-name.ts";
import { agentTools } from "./agent-tools.ts";
import { chatTool } from "./chat-tool.ts";
import { type McpTool, tool } from "./tool.ts";

export interface McpToolParts {
  readonly models: ServedModels;
  readonly datasets: Datasets;
  readonly rag: RagService;
  readonly evaluation: EvaluationService;
  readonly runs: BatchEvals;
  readonly agents: Pick<AgentsFeature, "sessions">;
  readonly servers: McpServers;
  readonly maxNewTokensLimit: number;
}

const read = { readOnlyHint: true, idempotentHint: true };
const Passages = Type.Array(Type.Object({}, { additionalProperties: true }));
const Open = Type.Object({}, { additionalProperties: true });

/** What of this server other programs can call. */
export function createTools(parts: McpToolParts): readonly McpTool[] {
  return [
    chatTool(parts.models),
    ...retrievalTools(parts),
    ...evaluationTools(parts),
    ...modelTools(parts),
    ...agentTools({ ...parts, sessions: parts.agents.sessions }),
  ];
}

function retrievalTools({ datasets, rag, maxNewTokensLimit }: McpToolParts): readonly McpTool[] {
  const { stream: _, include: __, ...question } = RagBody(maxNewTokensLimit).properties;
  const { max_new_tokens: ___, temperature: ____, seed: _____, ...search } = question;
  return [
    tool({
      name: "list_datasets",
      title: "List datasets",
      description:
        "Lists the datasets of this server, the newest first; those of type rag_corpus can be searched.",
      input: Type.Object({}),
      output: Type.Object({ datasets: Type.Array(DatasetAnswer) }),
      hints: read,
      run: async () => {
        const { items } = await datasets.list(
          { type: undefined, status: undefined },
          { limit: 100, cursor: undefined },
        );
        return { structured: { datasets: items.map(toDatasetAnswer) } };
      },
    }),
    tool({
      name: "search_documents",
      title: "Search documents",
      description:
        "Finds the passages of a dataset that fit a question best, with where they are in their documents.",
      input: Type.Object(search),
      output: Type.Object({ passages: Passages }),
      hints: read,
      run: async (input, context) => {
        const passages = await rag.search(input, context);
        const text = passages.map(({ index, doc_id, text }) => `[${index}] ${doc_id}\n${text}`).join("\n\n");
        return { text: text === "" ? "Nothing was found." : text, structured: { passages } };
      },
    }),
    tool({
      name: "answer_from_documents",
      title: "Answer from documents",
      description: "Answers a question from the passages of a dataset, and cites them.",
      input: Type.Object(question),
      output: Type.Object({ answer: Type.String(), citations: Passages, generation: Open }),
      hints: { readOnlyHint: true, idempotentHint: false },
      run: async (input, context) => {
        const { answer, citations, generation } = await drain(rag.answer(input, context));
        return { text: answer, structured: { answer, citations, generation } };
      },
    }),
  ];
}

function evaluationTools({ evaluation, runs, maxNewTokensLimit }: McpToolParts): readonly McpTool[] {
  return [
    tool({
      name: "evaluate_answer",
      title: "Evaluate an answer",
      description:
        "Has the judge score an answer from 1 to 10 by criteria, and measures it against a reference.",
      input: EvaluateBody,
      output: Open,
      hints: { readOnlyHint: true, idempotentHint: false },
      run: async (input, context) => ({ structured: await evaluation.evaluate(input, context) }),
    }),
    tool({
      name: "start_evaluation",
      title: "Start an evaluation",
      description:
        "Starts a run over an evaluation set, which goes on by itself; get_evaluation tells how far it is.",
      input: BatchEvalBody(maxNewTokensLimit),
      output: Type.Object({ run_id: Type.String(), status: Type.String() }),
      hints: { readOnlyHint: false, idempotentHint: false },
      run: async (input) => {
        const { runId, status } = await runs.create(input);
        return { structured: { run_id: runId, status } };
      },
    }),
    tool({
      name: "get_evaluation",
      title: "Show an evaluation",
      description: "Tells how far a run is, and what came of it.",
      input: Type.Object({ run_id: Type.String({ minLength: 1, maxLength: 128, format: "text" }) }),
      output: Open,
      hints: read,
      run: async ({ run_id }) => ({ structured: await runs.show(run_id) }),
    }),
  ];
}

function modelTools({ models }: McpToolParts): readonly McpTool[] {
  return [
    tool({
      name: "list_models",
      title: "List models",
      description: "Lists the models of this server by the names that the other tools take.",
      input: Type.Object({}),
      output: Type.Object({
        models: Type.Array(
          Type.Object({
            names: Type.Array(Type.String()),
            status: Type.String(),
            context_window: Type.Union([Type.Integer(), Type.Null()]),
          }),
        ),
      }),
      hints: read,
      run: async () => ({
        structured: {
          models: models.all.map(({ names, state, description }) => ({
            names,
            status: state.status,
            context_window: description?.contextWindow ?? null,
          })),
        },
      }),
    }),
    tool({
      name: "count_tokens",
      title: "Count tokens",
      description: "Counts the tokens of a text, as a model of this server reads it.",
      input: Type.Object({ text: LongText, model: Type.Optional(ModelName) }),
      output: Type.Object({ tokens: Type.Integer() }),
      hints: read,
      run: async ({ text, model }, { signal }) => {
        using lease = await models.leaseNamed(model, { signal });
        const tokens = await lease.model.engine.tokenize(plainPrompt(text), signal);
        return { structured: { tokens: tokens.length } };
      },
    }),
  ];
}
