import multipart from "@fastify/multipart";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { InvalidRequestError } from "../errors.ts";
import {
  type DatasetType,
  datasetStatuses,
  datasetTypes,
  type JsonObject,
} from "../features/datasets/dataset.ts";
import type { Datasets } from "../features/datasets/datasets.ts";
import { readFile, recordsOf } from "../features/datasets/formats/format.ts";
import { normalizeField } from "../features/datasets/records/normalize.ts";
import {
  DatasetAnswer,
  DatasetBody,
  DatasetFields,
  DatasetForm,
  RecordAnswer,
  toDatasetAnswer,
  toRecordAnswer,
} from "../features/datasets/schema.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { receiveUpload, removeAbandonedUploads } from "../http/upload.ts";
import { describeValidation } from "../http/validation.ts";
import { OneOf } from "../platform/schema/one-of.ts";

export interface DatasetRouteOptions {
  readonly datasets: Datasets;
  /** Bytes of an uploaded file. */
  readonly uploadLimit: number;
}

const Id = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128, format: "text" }) });
const Page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, format: "text" })),
};
const ListQuery = Type.Object({
  ...Page,
  type: Type.Optional(OneOf(datasetTypes)),
  status: Type.Optional(OneOf(datasetStatuses)),
});
const nextCursor = Type.Union([Type.String(), Type.Null()], {
  description: "`cursor` of the next page; null at the end.",
});
const One = answerSchema(DatasetAnswer.properties, "A dataset.");
const List = answerSchema(
  { data: Type.Array(DatasetAnswer), next_cursor: nextCursor },
  "Datasets, newest first.",
);
const Records = answerSchema(
  { data: Type.Array(RecordAnswer), next_cursor: nextCursor },
  "Records, in their order.",
);
const Deleted = answerSchema({ dataset_id: Type.String(), deleted: Type.Literal(true) }, "It is gone.");

const config = { scope: "datasets" } as const;
const tags = ["Datasets"];

/** Upload, list, read and delete datasets. */
export function datasetRoutes({ datasets, uploadLimit }: DatasetRouteOptions): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(multipart, { throwFileSizeLimit: false });
    app.addHook("onReady", () => removeAbandonedUploads(Date.now()));

    const { 200: created, ...errors } = responseSchemas(One, 400, 401, 413, 415, 429, 503);
    const creation = {
      tags,
      summary: "Create a dataset",
      body: {
        content: {
          "application/json": { schema: DatasetBody },
          "multipart/form-data": { schema: DatasetForm },
        },
      },
      response: { 201: created, ...errors },
    };
    for (const url of ["/v1/datasets", "/v1/datasets/upload"]) {
      app.post(url, { config, schema: creation }, async (request, reply) => {
        const { signal } = request.context;
        const dataset = request.isMultipart()
          ? await createFromForm(request, signal)
          : await createFromJson(request.body as DatasetBody | undefined, signal);
        request.context.account.note({ dataset_id: dataset.datasetId, records: dataset.recordCount });
        return reply.code(201).send(toDatasetAnswer(dataset));
      });
    }

    async function createFromJson(body: DatasetBody | undefined, signal: AbortSignal) {
      // Schemas by content type say nothing about a request that has no content.
      if (body === undefined)
        throw new InvalidRequestError("The body is empty; it must be JSON or a multipart form.");
      const { name, type, metadata = {}, records } = body;
      return datasets.create({ ...describe(name, type, metadata), source: recordsOf(records) }, signal);
    }

    async function createFromForm(request: FastifyRequest, signal: AbortSignal) {
      await using upload = await receiveUpload(request, uploadLimit);
      const { name, type, metadata = {} } = readFields(request, upload.fields);
      const source = readFile(upload.file, type, signal);
      return await datasets.create({ ...describe(name, type, metadata), source }, signal);
    }

    app.get(
      "/v1/datasets",
      {
        config,
        schema: {
          tags,
          summary: "List datasets",
          querystring: ListQuery,
          response: responseSchemas(List, 400, 401, 429, 503),
        },
      },
      async ({ query: { limit = 20, cursor, type, status } }) => {
        const page = await datasets.list({ type, status }, { limit, cursor });
        return { data: page.items.map(toDatasetAnswer), next_cursor: page.nextCursor };
      },
    );
    app.get(
      "/v1/datasets/:id",
      {
        config,
        schema: {
          tags,
          summary: "Show a dataset",
          params: Id,
          response: responseSchemas(One, 401, 404, 429, 503),
        },
      },
      async ({ params }) => toDatasetAnswer(await datasets.get(params.id)),
    );
    app.get(
      "/v1/datasets/:id/records",
      {
        config,
        schema: {
          tags,
          summary: "Page through records",
          params: Id,
          querystring: Type.Object(Page),
          response: responseSchemas(Records, 400, 401, 404, 429, 503),
        },
      },
      async ({ params, query: { limit = 20, cursor } }) => {
        const page = await datasets.records(params.id, { limit, cursor });
        return { data: page.items.map(toRecordAnswer), next_cursor: page.nextCursor };
      },
    );
    app.delete(
      "/v1/datasets/:id",
      {
        config,
        schema: {
          tags,
          summary: "Delete a dataset, with its index",
          params: Id,
          response: responseSchemas(Deleted, 401, 404, 409, 429, 503),
        },
      },
      async ({ params }) => {
        await datasets.delete(params.id);
        return { dataset_id: params.id, deleted: true as const };
      },
    );
  };
}

function describe(name: string, type: DatasetType, metadata: JsonObject) {
  return {
    name: normalizeField(name, "name") as string,
    type,
    metadata: normalizeField(metadata, "metadata") as JsonObject,
  };
}

/** @throws InvalidRequestError that names the field, as for JSON */
function readFields(request: FastifyRequest, fields: Readonly<Record<string, string>>): DatasetFields {
  const { metadata, ...texts } = fields;
  const value = { ...texts, ...(metadata !== undefined && { metadata: parseMetadata(metadata) }) };
  const validate = request.compileValidationSchema(DatasetFields);
  if (!validate(value)) throw describeValidation(validate.errors ?? [], "body");
  return value as DatasetFields;
}

function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidRequestError("metadata must be a JSON object as text", {
      param: "metadata",
      cause: error,
    });
  }
}
