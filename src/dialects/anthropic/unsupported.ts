import { isEmpty, oneOf, type Unsupported } from "../refusals.ts";

export const unsupportedInMessages: readonly Unsupported[] = [
  {
    param: "thinking",
    reason: "local models reason as their template has it; only disabled is accepted",
    harmless: (value) => (value as { type?: unknown }).type === "disabled",
  },
  { param: "mcp_servers", reason: "this server calls no others", harmless: isEmpty },
  { param: "container", reason: "no code runs here" },
  { param: "context_management", reason: "a prompt is never cut" },
  {
    param: "thread",
    reason: "conversations are not kept; send all messages",
    details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  },
  {
    param: "inference_geo",
    reason: "this server is where it is",
    harmless: oneOf("global", "not_available"),
  },
  {
    param: "service_tier",
    reason: "there is one tier; leave it out, or say auto",
    harmless: oneOf("auto", "standard_only"),
  },
];
