import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../../src/errors.ts";
import { QueryError, toStoreError } from "../../../src/platform/store/errors.ts";

const thrown = (code: string | undefined) => Object.assign(new Error("it failed"), { code });

test("a connection that breaks is a store that can't be had, whatever the driver or the system calls it", () => {
  for (const code of ["EPIPE", "ECONNRESET", "ECONNREFUSED", "57P01", "57P03", "08006", undefined])
    assert.ok(toStoreError(thrown(code)) instanceof UnavailableError, code);
});

test("a statement that Postgres refuses keeps its SQLSTATE", () => {
  for (const code of ["23505", "42P01", "XX000", "HV00R"]) {
    const error = toStoreError(thrown(code));
    assert.ok(error instanceof QueryError);
    assert.equal(error.sqlState, code);
  }
});
