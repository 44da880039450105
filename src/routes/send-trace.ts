import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { chromeTrace } from "../telemetry/steps/chrome-trace.ts";
import type { KeptStep } from "../telemetry/steps/step-ring.ts";

/** Answers with steps as a file of Chrome's trace format. */
export function sendTrace(reply: FastifyReply, steps: readonly KeptStep[], name: string): FastifyReply {
  return reply
    .type("application/json; charset=utf-8")
    .header("content-disposition", `attachment; filename="${name}.json"`)
    .send(Readable.from(chromeTrace(steps)));
}
