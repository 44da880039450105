/** Runs real agents, unmodified and at their default settings, against this server; `npm run test:agents [-- NAME …]`. */
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { BUILTIN } from "../../test/support/model.ts";
import { startServer } from "../../test/support/server.ts";
import { type Agent, agents, furnish, type Workplace } from "./agents.ts";
import { writeWideModel } from "./model.ts";
import { type Exchange, RecordingProxy } from "./proxy.ts";

const WINDOW_TOKENS = 131_072;
const TIME_LIMIT_MS = 240_000;
const KEY = "dev-local-key";
const run = promisify(execFile);

interface Outcome {
  readonly agent: Agent;
  readonly exchanges: readonly Exchange[];
  readonly code: number | null;
  readonly output: string;
  readonly problems: readonly string[];
}

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    // Where packages are installed; kept: a second run downloads nothing.
    packages: { type: "string", default: join(tmpdir(), "llm-server-agents") },
    // Write every request that was sent to this folder.
    record: { type: "string" },
    // A server that is running already, and its model.
    url: { type: "string" },
    model: { type: "string", default: "wide" },
  },
});

async function install(agent: Agent): Promise<string> {
  const folder = join(options.packages, `${agent.package.replace("/", "+")}@${agent.version}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{"private": true}');
  await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--prefer-offline", `${agent.package}@${agent.version}`],
    {
      cwd: folder,
    },
  );
  return folder;
}

/** The program and its first arguments. */
function programOf({ command, module }: Agent, installation: string): readonly [string, ...string[]] {
  if (command !== undefined) return [join(installation, "node_modules", ".bin", command)];
  return [process.execPath, fileURLToPath(new URL(module ?? "", import.meta.url))];
}

/** A home without settings of the developer's, and a repository with one file to read and to commit. */
async function furnished(agent: Agent, installation: string, url: string): Promise<Workplace> {
  const home = await mkdtemp(join(tmpdir(), "llm-server-agent-"));
  const folder = join(home, "work");
  const file = join(folder, "hello.txt");
  await mkdir(folder);
  await writeFile(file, "The sea is calm tonight.\n");
  const git = (...command: string[]) =>
    run("git", command, { cwd: folder, env: { ...process.env, HOME: home } });
  await git("init", "-q");
  await git("config", "--global", "user.email", "agent@example.org");
  await git("config", "--global", "user.name", "agent");
  await git("add", ".");
  const place = { installation, home, folder, file, url, key: KEY, model: options.model };
  await furnish(agent, place);
  return place;
}

async function attempt(agent: Agent, installation: string, server: string): Promise<Outcome> {
  const forced = agent.call;
  await using proxy = new RecordingProxy(server);
  const place = await furnished(agent, installation, await proxy.listen());
  if (forced !== undefined) proxy.force(forced(place));
  if (agent.answer !== undefined) proxy.forceAnswer(agent.answer);
  try {
    const { code, output } = await ended(agent, place);
    const problems = judge(agent, proxy.exchanges, code, output);
    return { agent, exchanges: proxy.exchanges, code, output, problems };
  } finally {
    await rm(place.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function ended(agent: Agent, place: Workplace): Promise<{ code: number | null; output: string }> {
  const [program, ...first] = programOf(agent, place.installation);
  const child = spawn(program, [...first, ...agent.arguments(place)], {
    cwd: place.folder,
    // A separate group: all that it starts ends with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
      HOME: place.home,
      TERM: "dumb",
      LANG: "C.UTF-8",
      ...agent.environment?.(place),
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => (output += piece));
  const timer = setTimeout(() => endGroup(child.pid), TIME_LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  clearTimeout(timer);
  endGroup(child.pid);
  return { code, output };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const generating = /\/(chat\/completions|responses|messages)(\?|$)/;
const results = /"role":\s*"tool"|"function_call_output"|"tool_result"/;

function judge(agent: Agent, exchanges: readonly Exchange[], code: number | null, output: string): string[] {
  const generations = exchanges.filter(({ method, path }) => method === "POST" && generating.test(path));
  return [
    ...(code === 0 ? [] : [`exit code ${code}`]),
    // Of random weights' own words there may be none.
    ...(output.includes(agent.answer ?? "") ? [] : ["nothing came of it"]),
    ...(generations.length === 0 ? ["no generation was asked for"] : []),
    ...exchanges
      .filter(({ method, status }) => method === "POST" && status >= 400)
      .map(({ path, status, refusal }) => `POST ${path} → ${status} ${refusal?.slice(0, 300)}`),
    ...(agent.call !== undefined && !generations.some(({ body }) => results.test(body))
      ? ["no result of a tool came back"]
      : []),
  ];
}

async function record({ agent, exchanges, output }: Outcome, folder: string): Promise<void> {
  const name = agent.name.replace(/\W+/g, "-");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.output.txt`), output);
  for (const [index, exchange] of exchanges.entries())
    await writeFile(join(folder, `${name}.${index}.json`), JSON.stringify(exchange, undefined, 1));
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "llm-server-agents-model-"));
  const model = join(folder, "wide.gguf");
  await writeWideModel(model, BUILTIN, WINDOW_TOKENS);
  const server =
    options.url === undefined
      ? await startServer({
          env: { MODEL_NAME: model, THREADS: "0", MAX_SEQUENCES: "8", KV_CACHE_MEMORY: "1GiB" },
        })
      : undefined;
  try {
    const chosen = agents.filter(
      ({ name }) => wanted.length === 0 || wanted.some((want) => name.includes(want)),
    );
    let failed = 0;
    for (const agent of chosen) {
      const outcome = await attempt(agent, await install(agent), options.url ?? server?.url ?? "");
      const { problems, exchanges } = outcome;
      const verdict = problems.length === 0 ? "ok" : "FAILED";
      console.log(
        `${verdict}  ${agent.name}: ${agent.package} ${agent.version}, ${exchanges.length} requests`,
      );
      for (const problem of problems) console.log(`    ${problem}`);
      if (problems.length > 0) console.log(outcome.output.slice(-2000).replace(/^/gm, "    | "));
      if (options.record !== undefined) await record(outcome, options.record);
      if (problems.length > 0) failed++;
    }
    console.log(`${chosen.length - failed} of ${chosen.length} agents work`);
    return failed;
  } finally {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = (await main()) === 0 ? 0 : 1;
