import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ForcedCall } from "./proxy.ts";

/** Where an agent runs: a home of its own, a work folder with one file, and the server's address. */
export interface Workplace {
  /** Where the agent's package is installed. */
  readonly installation: string;
  readonly home: string;
  readonly folder: string;
  /** The file in `folder` that the agent is made to read. */
  readonly file: string;
  readonly url: string;
  readonly key: string;
  readonly model: string;
}

/** A command-line agent as its users have it. */
export interface Agent {
  readonly name: string;
  readonly package: string;
  /** Pinned: a failure is this server's, and not an agent's new release. */
  readonly version: string;
  /** Of the package; a library has none, and is used by a module of ours beside this one. */
  readonly command?: string;
  readonly module?: string;
  readonly arguments: (place: Workplace) => readonly string[];
  readonly environment?: (place: Workplace) => Readonly<Record<string, string>>;
  /** Files to write first, by their place under the home. */
  readonly files?: (place: Workplace) => Readonly<Record<string, string>>;
  /** The answer that the model is made to give, of which the agent makes its output: random weights may say nothing. */
  readonly answer?: string;
  /** The call that the model is made to begin with; none for what uses no tools. */
  readonly call?: (place: Workplace) => ForcedCall;
}

const PROMPT = "Read the file hello.txt and say what is in it.";

const json = (value: unknown) => JSON.stringify(value, undefined, 2);

export const agents: readonly Agent[] = [
  {
    name: "Claude Code",
    package: "@anthropic-ai/claude-code",
    version: "2.1.332",
    command: "claude",
    arguments: () => ["-p", PROMPT, "--allowedTools", "Read"],
    environment: ({ url, key, model }) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: key,
      ANTHROPIC_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    }),
    call: ({ file }) => ({ tool: "Read", arguments: { file_path: file } }),
  },
  {
    name: "Codex",
    package: "@openai/codex",
    version: "0.171.0",
    command: "codex",
    arguments: () => ["exec", "--skip-git-repo-check", PROMPT],
    environment: ({ key }) => ({ LOCAL_KEY: key }),
    files: ({ url, model }) => ({
      ".codex/config.toml": [
        `model = "${model}"`,
        'model_provider = "local"',
        "[model_providers.local]",
        'name = "local"',
        `base_url = "${url}/v1"`,
        'env_key = "LOCAL_KEY"',
        'wire_api = "responses"',
      ].join("\n"),
    }),
    call: ({ file }) => ({ tool: "exec_command", arguments: { cmd: `cat ${file}` } }),
  },
  {
    name: "opencode",
    package: "opencode-ai",
    version: "1.18.33",
    command: "opencode",
    arguments: ({ model }) => ["run", "-m", `local/${model}`, PROMPT],
    files: ({ url, key, model }) => ({
      ".config/opencode/opencode.json": json({
        provider: {
          local: {
            npm: "@ai-sdk/openai-compatible",
            options: { baseURL: `${url}/v1`, apiKey: key },
            models: { [model]: { name: model } },
          },
        },
      }),
    }),
    call: ({ file }) => ({ tool: "read", arguments: { filePath: file } }),
  },
  {
    name: "Qwen Code",
    package: "@qwen-code/qwen-code",
    version: "0.24.4",
    command: "qwen",
    arguments: () => ["--yolo", PROMPT],
    environment: ({ url, key, model }) => ({
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: key,
      OPENAI_MODEL: model,
    }),
    call: ({ file }) => ({ tool: "read_file", arguments: { file_path: file } }),
  },
  {
    name: "Cline",
    package: "cline",
    version: "3.0.65",
    command: "cline",
    arguments: ({ key, model }) => ["-P", "openai-compatible", "-k", key, "-m", model, PROMPT],
    environment: ({ url }) => ({ OPENAI_BASE_URL: `${url}/v1` }),
    files: ({ url, key, model }) => ({
      ".cline/data/settings/providers.json": json({
        version: 1,
        lastUsedProvider: "openai-compatible",
        providers: {
          "openai-compatible": {
            settings: { provider: "openai-compatible", apiKey: key, model, baseUrl: `${url}/v1` },
            updatedAt: "2026-01-01T00:00:00.000Z",
            tokenSource: "manual",
          },
        },
      }),
    }),
    call: ({ file }) => ({ tool: "read_files", arguments: { files: [{ path: file }] } }),
  },
  {
    name: "Continue",
    package: "@continuedev/cli",
    version: "1.5.47",
    command: "cn",
    arguments: ({ home }) => ["-p", PROMPT, "--auto", "--config", join(home, "continue.yaml")],
    files: ({ url, key, model }) => ({
      "continue.yaml": [
        "name: local",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        `  - name: ${model}`,
        "    provider: openai",
        `    model: ${model}`,
        `    apiBase: ${url}/v1`,
        `    apiKey: ${key}`,
        "    roles: [chat]",
        "    capabilities: [tool_use]",
      ].join("\n"),
    }),
    call: ({ file }) => ({ tool: "Read", arguments: { filepath: file } }),
  },
  ...(["openai-completions", "openai-responses", "anthropic-messages"] as const).map(
    (api): Agent => ({
      name: `pi (${api})`,
      package: "@earendil-works/pi-coding-agent",
      version: "1.6.0",
      command: "pi",
      arguments: ({ model }) => ["-p", "--provider", "local", "--model", model, PROMPT],
      files: ({ url, key, model }) => ({
        ".pi/agent/models.json": json({
          providers: {
            local: {
              baseUrl: api === "anthropic-messages" ? url : `${url}/v1`,
              api,
              apiKey: key,
              models: [{ id: model }],
            },
          },
        }),
      }),
      call: ({ file }) => ({ tool: "read", arguments: { path: file } }),
    }),
  ),
  {
    name: "Mastra",
    package: "@mastra/core",
    version: "0.24.9",
    module: "mastra.ts",
    arguments: ({ installation }) => [installation, PROMPT],
    environment: ({ url, key, model }) => ({ SERVER_URL: url, SERVER_KEY: key, SERVER_MODEL: model }),
    call: ({ file }) => ({ tool: "read_text", arguments: { path: file } }),
  },
  {
    name: "aicommits",
    package: "aicommits",
    version: "3.4.0",
    command: "aicommits",
    arguments: () => ["--yes"],
    // Without a terminal it prints the message and leaves the commit to its caller.
    answer: "Say how the sea is",
    files: ({ url, key, model }) => ({
      ".aicommits": `OPENAI_BASE_URL=${url}/v1\nOPENAI_API_KEY=${key}\nOPENAI_MODEL=${model}\n`,
    }),
  },
];

/** Writes what the agent finds before it starts. */
export async function furnish(agent: Agent, place: Workplace): Promise<void> {
  for (const [path, text] of Object.entries(agent.files?.(place) ?? {})) {
    const full = join(place.home, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, text);
  }
}
