import { Type } from "typebox";
import { wallMs } from "../platform/clock.ts";
import type { ServedModel } from "./served-model.ts";
import type { ServedModels } from "./served-models.ts";

/** Where a model is, as the API shows it. */
export const StatusFields = {
  status: Type.String({
    description:
      "Extra: `unloaded` (a request loads it), `loading`, `loaded`, `sleeping` (without its KV cache until a request comes), `restarting`, `unloading` or `failed`.",
  }),
  phase: Type.Optional(
    Type.String({
      description: "Extra: of one that loads: `downloading`, `converting`, `waiting`, `loading`.",
    }),
  ),
  progress: Type.Optional(Type.Number({ description: "Extra: 0 to 1, of the phase." })),
  message: Type.Optional(Type.String({ description: "Extra: why it failed." })),
  pinned: Type.Boolean({ description: "Extra: never unloaded to make room." }),
  requests: Type.Integer({ description: "Extra: requests that hold it in memory now." }),
  bytes: Type.Union([Type.Integer(), Type.Null()], {
    description: "Extra: memory that it takes when it is loaded: estimated until it has been measured.",
  }),
  loaded_at: Type.Union([Type.String(), Type.Null()]),
  expires_at: Type.Union([Type.String(), Type.Null()], {
    description: "Extra: when it is unloaded unless a request comes.",
  }),
  adapter_of: Type.Optional(Type.String({ description: "Extra: the model that this adapter changes." })),
};

export function modelStatus(models: ServedModels, model: ServedModel) {
  const place = models.placeOf(model);
  const { state } = model;
  const isPlaced = place.state === "in";
  const since = (moment: number) => new Date(wallMs(moment)).toISOString();
  return {
    status: model.isAsleep ? "sleeping" : describeState(place.state, state.status),
    ...(state.status === "preparing" && { phase: state.phase, progress: state.progress }),
    ...(state.status === "failed" && { message: state.message }),
    pinned: place.isPinned,
    requests: place.leases,
    bytes: model.bytesNeeded === undefined ? null : Math.round(model.bytesNeeded),
    loaded_at: isPlaced ? since(place.loadedAt) : null,
    expires_at: isPlaced && Number.isFinite(place.expiresAt) ? since(place.expiresAt) : null,
    ...(model.adapterOf !== undefined && { adapter_of: model.adapterOf }),
  };
}

function describeState(place: string, engine: string): string {
  if (place === "leaving" || engine === "draining") return "unloading";
  if (engine === "preparing") return "loading";
  return engine === "ready" ? "loaded" : engine;
}
