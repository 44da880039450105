/** What attackers have sent to stop, slow or kill servers of this kind; docs/security.md says what bounds each. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { bombPdf } from "./bomb-pdf.ts";

/** A server under attack, and how many answers of each status came. */
export interface Target {
  readonly url: string;
  readonly apiKey: string;
  readonly statuses: Map<string, number>;
}

export interface Attack {
  readonly name: string;
  run(target: Target): Promise<void>;
}

type Body = object | string;

/** Sends `body` and waits for the answer, or leaves after `leaveAfterMs`. */
export async function post(
  { url, apiKey, statuses }: Target,
  path: string,
  body: Body | FormData,
  leaveAfterMs = 30_000,
): Promise<void> {
  const isForm = body instanceof FormData;
  const status = await fetch(url + path, {
    method: "POST",
    headers: { "x-api-key": apiKey, ...(!isForm && { "content-type": "application/json" }) },
    body: isForm || typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(leaveAfterMs),
  }).then(
    async (response) => {
      await response.arrayBuffer();
      return String(response.status);
    },
    () => "left",
  );
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function together(target: Target, count: number, path: string, body: Body, leaveAfterMs?: number) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return Promise.all(times(count, () => post(target, path, text, leaveAfterMs)));
}

async function oneByOne(target: Target, bodies: readonly Body[], path: string): Promise<void> {
  for (const body of bodies) await post(target, path, body);
}

const longText = (seed: number) =>
  times(30_000, (at) => `${(at * seed) % 26}x${(at * 31 * seed) % 9973}`)
    .join(" ")
    .slice(0, 199_000);
const completion = (fields: object) => ({ prompt: "a", max_tokens: 40, ...fields });
const chat = (fields: object) => ({ messages: [{ role: "user", content: "a" }], max_tokens: 40, ...fields });
const asSchema = (schema: object) =>
  chat({ response_format: { type: "json_schema", json_schema: { name: "x", schema } } });
const ambiguous = 'b ::= "a" b "c" | "a" b "d"';
const manyIntegers = (seed: number) => ({
  type: "object",
  properties: Object.fromEntries(
    times(1500, (index) => [`p${seed}_${index}`, { type: "integer", minimum: index, maximum: 1e9 + index }]),
  ),
});

/** Connections that send these bytes and then nothing, and read nothing, for a while. */
async function connections({ url }: Target, count: number, text: string, heldMs: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const sockets = times(count, () => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.pause();
    socket.write(text);
    return socket;
  });
  await delay(heldMs);
  for (const socket of sockets) socket.destroy();
}

const rawPost = (target: Target, path: string, length: number, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${target.apiKey}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;

export const attacks: readonly Attack[] = [
  {
    name: "runs of letters",
    run: (target) =>
      Promise.all([
        ...times(4, () => post(target, "/chat", { prompt: "A".repeat(40_000), raw: true })),
        ...times(4, () => post(target, "/v1/tokenize", { prompt: "A".repeat(60_000) })),
      ]).then(() => {}),
  },
  {
    name: "floods of tokenization",
    run: (target) =>
      together(target, 40, "/v1/tokenize", { prompt: "and then ".repeat(110_000) }, 4_000).then(() => {}),
  },
  {
    name: "costly metrics, left",
    run: (target) =>
      together(
        target,
        20,
        "/evaluate",
        { prompt: "a", response: longText(7), reference: longText(5), metrics: { chrf: { order: 10 } } },
        1_000,
      ).then(() => delay(2_000)),
  },
  {
    name: "patterns without end",
    run: (target) =>
      together(
        target,
        12,
        "/evaluate",
        { prompt: "a", response: `${"a".repeat(60)}!`, metrics: { regex: { pattern: "(a+)+$" } } },
        5_000,
      ).then(() => {}),
  },
  {
    name: "bodies of mistakes",
    run: (target) =>
      oneByOne(
        target,
        times(6, () => `{"prompt":"a","response":"b","criteria":[${"1,".repeat(519_999)}1]}`),
        "/evaluate",
      ),
  },
  {
    name: "messages without contents",
    run: (target) =>
      oneByOne(
        target,
        times(3, () => `{"model":"x","max_tokens":1,"messages":[${"{},".repeat(340_000)}{}]}`),
        "/v1/messages",
      ),
  },
  {
    name: "bodies of 30 MB",
    run: (target) =>
      oneByOne(
        target,
        times(3, () => chat({ messages: [{ role: "user", content: "and then ".repeat(3_400_000) }] })),
        "/v1/chat/completions",
      ),
  },
  {
    name: "JSON that nests, in texts",
    run: (target) =>
      oneByOne(
        target,
        times(15, () => ({
          prompt: "a",
          response: "[".repeat(100_000) + "]".repeat(100_000),
          metrics: { json_schema: { schema: {} } },
        })),
        "/evaluate",
      ),
  },
  {
    name: "grammars that allow nothing",
    run: (target) =>
      oneByOne(
        target,
        [
          ...["[z-a]", '"\\x00"', "[^\\x00-\\U0010FFFF]", '"a" [z-a]', "<[99999999]>", "<|im_end|>"].map(
            (rule) => completion({ grammar: `root ::= ${rule}` }),
          ),
          completion({ grammar: 'root ::= "a"', logit_bias: { 67: -100 } }),
        ],
        "/v1/completions",
      ),
  },
  {
    name: "grammars of many readings",
    run: (target) =>
      oneByOne(
        target,
        [
          `root ::= b\n${ambiguous}`,
          `root ::= "${"x".repeat(49)}" b\n${ambiguous}`,
          `root ::= [a-z]{49} b\n${ambiguous}`,
          `root ::= "z" # note \rroot ::= b\n${ambiguous}`,
          `root ::= "z" | [] b\n${ambiguous}`,
        ].map((grammar) => completion({ grammar, logit_bias: { 67: 100 } })),
        "/v1/completions",
      ),
  },
  {
    name: "schemas of many readings",
    run: (target) =>
      oneByOne(
        target,
        [1, 64].map((count) =>
          asSchema({
            anyOf: times(count, (index) => ({
              type: "string",
              pattern: `^(a{1,${44 - (index % 8)}}){1,${43 - Math.floor(index / 8)}}$`,
            })),
          }),
        ),
        "/v1/chat/completions",
      ),
  },
  {
    name: "schemas that take long, left",
    run: (target) =>
      Promise.all(
        times(20, (index) => post(target, "/v1/chat/completions", asSchema(manyIntegers(index)), 800)),
      ).then(() => delay(2_000)),
  },
  {
    name: "PDFs that unpack without end",
    run: (target) => {
      const bomb = new Blob([bombPdf()], { type: "application/pdf" });
      return Promise.all(
        times(4, (index) => {
          const form = new FormData();
          form.set("name", `bomb ${index}`);
          form.set("type", "rag_corpus");
          form.set("file", bomb, "bomb.pdf");
          return post(target, "/v1/datasets", form, 5_000);
        }),
      ).then(() => delay(1_000));
    },
  },
  {
    name: "answers that are not read",
    run: (target) => {
      const body = JSON.stringify({ tokens: Array<number>(170_000).fill(2040) });
      return connections(target, 12, rawPost(target, "/v1/detokenize", body.length, body), 5_000);
    },
  },
  {
    name: "bodies that never end",
    run: (target) =>
      connections(
        target,
        200,
        rawPost(target, "/chat", 1_000_000, `{"prompt":"${"a".repeat(900_000)}`),
        5_000,
      ),
  },
  {
    name: "a thousand idle connections",
    run: (target) => connections(target, 1_000, "GET /healthz HTTP/1.1\r\nhost: loc", 3_000),
  },
];
