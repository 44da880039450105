import { ModelError, messageOf, systemCodeOf } from "../errors.ts";
import type { RepositoryName } from "./repository.ts";

export interface FailedRequest {
  readonly endpoint: string;
  readonly repository: RepositoryName;
  readonly file?: string;
  readonly hasToken: boolean;
}

/**
 * What the hub's refusal means and what to do about it.
 * @param errorCode the hub's `X-Error-Code`: `GatedRepo`, `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`
 */
export function hubFailure(status: number, errorCode: string | null, request: FailedRequest): ModelError {
  const { endpoint, repository, hasToken } = request;
  const page = `${endpoint}/${repository}`;
  if (errorCode === "GatedRepo") {
    return new ModelError(
      "unauthorized",
      hasToken
        ? `${repository} is gated and HF_TOKEN has no access to it: accept its terms on ${page} with the token's account`
        : `${repository} is gated: accept its terms on ${page}, make an access token in your account's settings, and set HF_TOKEN to it`,
    );
  }
  if (status === 404 && errorCode === "EntryNotFound") {
    return new ModelError("file_not_found", `${repository} has no file ${request.file ?? ""}`);
  }
  // Without a token, the hub answers 401, not 404, for a repository that doesn't exist.
  if (status === 404 || errorCode === "RepoNotFound") {
    return new ModelError(
      "repository_not_found",
      `${endpoint} has no model ${repository}: check the spelling${hasToken ? "" : "; if it is private, set HF_TOKEN"}`,
    );
  }
  if (status === 401 || status === 403) {
    return new ModelError(
      "unauthorized",
      hasToken
        ? `${endpoint} refuses HF_TOKEN for ${repository} (HTTP ${status}): check that the token is valid and may read it`
        : `${repository} needs an access token (HTTP ${status}): set HF_TOKEN, and accept the model's terms on ${page} if it has any`,
    );
  }
  const advice =
    status === 429 ? "it limits requests; wait a few minutes or set HF_TOKEN" : "try again later";
  return new ModelError("hub_failed", `${endpoint} answered HTTP ${status} for ${repository}: ${advice}`);
}

/** Anything that went wrong before or within an answer: no route, no name, refused, cut, timed out. */
export function networkFailure(endpoint: string, error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  const reason = systemCodeOf(error) ?? messageOf(error);
  return new ModelError(
    "hub_unreachable",
    `${endpoint} can't be reached (${reason}): check the network, the proxy or HF_ENDPOINT, or name a .gguf file on disk`,
    { cause: error },
  );
}
