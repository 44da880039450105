import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILTIN } from "../../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { json } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => started[Symbol.asyncDispose]());

/** Parameters as real tools have them, which a strict reader of schemas would stumble over. */
const odd: Readonly<Record<string, string>> = {
  typeless:
    '{"type":"object","properties":{"value":{"description":"Anything."},"more":{}},"required":["value"]}',
  required_only:
    '{"type":"object","properties":{"id":{"type":"integer"},"flag":{"type":"boolean"}},"anyOf":[{"required":["id"]},{"required":["flag"]}]}',
  lookahead:
    '{"type":"object","properties":{"a":{"type":"string","pattern":"^(?!.*[.]{2})[a-z.]{1,20}$"},"b":{"type":"string","pattern":"(?<=x)y","maxLength":9}},"required":["a","b"]}',
  huge_bounds:
    '{"type":"object","properties":{"text":{"type":"string","maxLength":2147483647},"count":{"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807}},"required":["count"]}',
  non_ascii:
    '{"type":"object","properties":{"größe":{"type":"integer","maximum":99},"名前":{"enum":["日本","🎉"]}},"required":["größe","名前"],"additionalProperties":false}',
  prototype_names:
    '{"type":"object","properties":{"constructor":{"type":"boolean"},"toString":{"type":"null"},"hasOwnProperty":{"type":"integer"}},"required":["constructor","toString"],"additionalProperties":false}',
  recursive:
    '{"type":"object","properties":{"child":{"$ref":"#"},"on":{"type":"boolean"}},"required":["on"],"additionalProperties":false}',
  without_schema: "{}",
  impossible: '{"type":"object","properties":{"a":{"allOf":[{"const":1},{"const":2}]}},"required":["a"]}',
};
const plain = {
  name: "plain",
  parameters: {
    type: "object",
    properties: { colour: { enum: ["red", "blue"] } },
    required: ["colour"],
    additionalProperties: false,
  },
};
const toolOf = (name: string, parameters: string) =>
  `{"type":"function","function":{"name":"${name}","parameters":${parameters}}}`;

interface Called {
  readonly choices: ReadonlyArray<{
    readonly finish_reason: string;
    readonly message: {
      readonly tool_calls?: ReadonlyArray<{ function: { name: string; arguments: string } }>;
    };
  }>;
  readonly error?: { readonly message: string };
}

async function call(tools: readonly string[], name: string): Promise<{ args: string; reason: string }> {
  const fields = {
    model: started.model,
    messages: [{ role: "user", content: "Look at red." }],
    max_tokens: 48,
    temperature: 1,
    seed: 3,
    tool_choice: { type: "function", function: { name } },
  };
  const response = await started.server.post(
    "/v1/chat/completions",
    `${JSON.stringify(fields).slice(0, -1)},"tools":[${tools.join()}]}`,
  );
  const body = await json<Called>(response);
  assert.equal(response.status, 200, `${name}: ${body.error?.message}`);
  const choice = body.choices[0];
  const [made] = choice?.message.tool_calls ?? [];
  assert.equal(made?.function.name, name);
  return { args: made.function.arguments, reason: choice?.finish_reason ?? "" };
}

const whole: Readonly<Record<string, RegExp>> = {
  non_ascii: /^\{"größe": ?-?\d+, ?"名前": ?"(日本|🎉)"\}$/u,
  prototype_names: /^\{"constructor": ?(true|false), ?"toString": ?null(, ?"hasOwnProperty": ?-?\d+)?\}$/,
};

for (const [name, parameters] of Object.entries(odd)) {
  test(`an odd tool is taken, and the others beside it stay whole: ${name}`, async () => {
    const tools = [toolOf(name, parameters), toolOf(plain.name, JSON.stringify(plain.parameters))];
    const { args, reason } = await call(tools, name);
    const pattern = whole[name];
    if (pattern !== undefined && reason === "tool_calls") assert.match(args, pattern);
    assert.match((await call(tools, "plain")).args, /^\{"colour": ?"(red|blue)"\}$/);
  });
}

test("all odd tools at once leave a plain one whole", async () => {
  const tools = Object.entries(odd).map(([name, parameters]) => toolOf(name, parameters));
  const { args } = await call([...tools, toolOf(plain.name, JSON.stringify(plain.parameters))], "plain");
  assert.match(args, /^\{"colour": ?"(red|blue)"\}$/);
});
