import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { sections } from "../../src/config/settings.ts";

/*
 * No Docker runs where these tests do. What can be had without it: that the file is YAML of Compose's shape (the part of
 * its specification that is used, with nothing misspelt), and that it agrees with the Dockerfile and the settings.
 */

const Texts = Type.Array(Type.String());
const Service = Type.Object(
  {
    build: Type.Optional(Type.String()),
    image: Type.String(),
    profiles: Type.Optional(Texts),
    ports: Type.Optional(Type.Array(Type.String({ pattern: "^127\\.0\\.0\\.1:" }))),
    env_file: Type.Optional(
      Type.Array(
        Type.Object({ path: Type.String(), required: Type.Boolean() }, { additionalProperties: false }),
      ),
    ),
    environment: Type.Optional(Type.Record(Type.String(), Type.String())),
    command: Type.Optional(Texts),
    volumes: Type.Optional(Texts),
    read_only: Type.Optional(Type.Boolean()),
    tmpfs: Type.Optional(Texts),
    security_opt: Type.Optional(Texts),
    cap_drop: Type.Optional(Texts),
    mem_limit: Type.Optional(Type.String()),
    stop_grace_period: Type.Optional(Type.String({ pattern: "^\\d+s$" })),
    restart: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
const Compose = Type.Object(
  { services: Type.Record(Type.String(), Service), volumes: Type.Record(Type.String(), Type.Null()) },
  { additionalProperties: false },
);

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

function compose(): Static<typeof Compose> {
  const value: unknown = parse(read("docker-compose.yml"));
  assert.deepEqual([...Value.Errors(Compose, value)], []);
  return Value.Parse(Compose, value);
}

test("the compose file has Compose's shape, and names its volumes and settings rightly", () => {
  const { services, volumes } = compose();
  const mounted = Object.values(services).flatMap((service) =>
    (service.volumes ?? []).map((volume) => volume.split(":")[0]),
  );
  assert.deepEqual(mounted.toSorted(), Object.keys(volumes).toSorted());
  const server = services["llm-server"];
  assert.ok(server !== undefined);
  const known = new Set(
    Object.values(sections).flatMap((section) =>
      Object.values(section as Record<string, { variable: string }>).map(({ variable }) => variable),
    ),
  );
  for (const name of Object.keys(server.environment ?? {})) assert.ok(known.has(name), name);
  const image = Object.fromEntries(
    [...read("Dockerfile").matchAll(/^\s+(HOST|PORT|DATA_DIR|HF_HOME)=(\S+)/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  for (const [name, value] of Object.entries(image)) assert.equal(server.environment?.[name], value, name);
});

test("a container is given more time to end than the server takes", () => {
  const { shutdownDelayMs, shutdownTimeoutMs } = loadConfig({});
  const grace = Number.parseInt(compose().services["llm-server"]?.stop_grace_period ?? "", 10);
  assert.ok(grace * 1000 > shutdownDelayMs + shutdownTimeoutMs);
});

test("the addresses that the compose file tells of are taken", () => {
  const told = Object.fromEntries(
    [...read("docker-compose.yml").matchAll(/^#\s+(DATABASE_URL|REDIS_URL)=(\S+)$/gm)].map(
      ([, name, value]) => [name, value],
    ),
  );
  assert.deepEqual(Object.keys(told), ["DATABASE_URL", "REDIS_URL"]);
  assert.ok(loadConfig(told).databaseUrl?.includes("@postgres/"));
  const services = Object.keys(compose().services);
  assert.deepEqual(services, ["llm-server", "postgres", "redis"]);
});
