import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { FastifyReply, FastifyRequest } from "fastify";
import { UnavailableError } from "../../src/errors.ts";
import { BodyMemory } from "../../src/http/body-memory.ts";

const MIB = 2 ** 20;

/** A request with these headers; what it returns ends its answer. @throws as the check does */
function arrive(memory: BodyMemory, headers: Record<string, string>): () => void {
  const raw = new EventEmitter();
  memory.check({ headers } as unknown as FastifyRequest, { raw } as unknown as FastifyReply);
  return () => raw.emit("close");
}
const ofLength = (bytes: number) => ({ "content-length": String(bytes) });

test("bodies of the largest size are held eight at a time, and their room is given back", () => {
  const memory = new BodyMemory(32 * MIB);
  const held = Array.from({ length: 8 }, () => arrive(memory, ofLength(32 * MIB)));
  assert.throws(() => arrive(memory, ofLength(MIB)), UnavailableError);
  // Small ones are always taken.
  arrive(memory, ofLength(MIB / 8));
  held[0]?.();
  arrive(memory, ofLength(32 * MIB));
  assert.throws(() => arrive(memory, ofLength(MIB)), UnavailableError);
});

test("a body of unknown length counts as the largest, one that is too large or an upload as none", () => {
  const memory = new BodyMemory(32 * MIB);
  for (let count = 0; count < 8; count++) arrive(memory, { "transfer-encoding": "chunked" });
  assert.throws(() => arrive(memory, { "transfer-encoding": "chunked" }), UnavailableError);
  arrive(memory, ofLength(100 * MIB));
  arrive(memory, { ...ofLength(100 * MIB), "content-type": "multipart/form-data; boundary=x" });
});
