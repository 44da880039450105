import { InvalidRequestError } from "../../errors.ts";
import { parseDuration } from "../../platform/duration.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";

/** One service for each model, made when it is first asked for. */
export function perModel<Service>(create: (model: ServedModel) => Service): (model: ServedModel) => Service {
  const made = new WeakMap<ServedModel, Service & object>();
  return (model) => {
    const known = made.get(model);
    if (known !== undefined) return known;
    const service = create(model) as Service & object;
    made.set(model, service);
    return service;
  };
}

/** What a request says of its model. */
export interface WantedModel {
  /** Left out or null: the first one. */
  readonly model?: string | null | undefined;
  readonly keep_alive?: string | number | null | undefined;
}

/** Answers with the model that is wanted, which stays in memory until the answer is there. */
export async function withModel<T>(
  models: ServedModels,
  wanted: WantedModel,
  { signal }: { readonly signal: AbortSignal },
  answer: (model: ServedModel) => Promise<T>,
): Promise<T> {
  using lease = await models.leaseNamed(wanted.model, { signal, keepAliveMs: keepAliveOf(wanted) });
  return await answer(lease.model);
}

/** The same for an answer in pieces: the model stays until the last one, or until the reader leaves. */
export async function* streamWithModel<T>(
  models: ServedModels,
  wanted: WantedModel,
  { signal }: { readonly signal: AbortSignal },
  answer: (model: ServedModel) => AsyncIterable<T>,
): AsyncIterable<T> {
  using lease = await models.leaseNamed(wanted.model, { signal, keepAliveMs: keepAliveOf(wanted) });
  yield* answer(lease.model);
}

function keepAliveOf({ keep_alive: value }: WantedModel): number | undefined {
  if (!isSet(value)) return undefined;
  const durationMs = parseDuration(value);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidRequestError('keep_alive must be seconds, or a duration such as "10m".', {
    param: "keep_alive",
  });
}
