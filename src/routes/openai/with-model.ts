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

/** Answers with the model called `name`, which stays in memory until the answer is there. */
export async function withModel<T>(
  models: ServedModels,
  name: string | null | undefined,
  { signal }: { readonly signal: AbortSignal },
  answer: (model: ServedModel) => Promise<T>,
): Promise<T> {
  using lease = await models.leaseNamed(name, { signal });
  return await answer(lease.model);
}

/** The same for an answer in pieces: the model stays until the last one, or until the reader leaves. */
export async function* streamWithModel<T>(
  models: ServedModels,
  name: string | null | undefined,
  { signal }: { readonly signal: AbortSignal },
  answer: (model: ServedModel) => AsyncIterable<T>,
): AsyncIterable<T> {
  using lease = await models.leaseNamed(name, { signal });
  yield* answer(lease.model);
}
