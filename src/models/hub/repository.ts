import { ModelError } from "../errors.ts";

/** A model repository of the hub; legacy names (`gpt2`) have no organisation. */
export type RepositoryName = string;

export interface RepositorySpec {
  readonly repository: RepositoryName;
  /** `Q8_0` of `org/name:Q8_0`. */
  readonly quantization: string | undefined;
}

const segment = "[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?";
const specPattern = new RegExp(`^(?:hf:)?(${segment}(?:/${segment})?)(?::([A-Za-z0-9_.-]{1,64}))?$`);

/**
 * Reads `org/name`, `name`, `hf:org/name`, `org/name:Q8_0`.
 * @throws ModelError `invalid_name`
 */
export function parseRepositorySpec(spec: string): RepositorySpec {
  const match = specPattern.exec(spec);
  const repository = match?.[1];
  if (repository === undefined || repository.includes("--") || repository.includes("..")) {
    throw new ModelError(
      "invalid_name",
      `${JSON.stringify(spec)} is neither a .gguf file nor a repository name such as org/name or org/name:Q8_0`,
    );
  }
  return { repository, quantization: match?.[2] };
}

/** The folder of a repository in Hugging Face's cache. */
export function folderOf(repository: RepositoryName): string {
  return `models--${repository.replaceAll("/", "--")}`;
}

/** The inverse of `folderOf`; undefined for the cache's other folders. */
export function repositoryOfFolder(folder: string): RepositoryName | undefined {
  return folder.startsWith("models--") ? folder.slice("models--".length).replaceAll("--", "/") : undefined;
}

/** Where today's hub keeps what had a bare name: a cache filled by other tools may have it under either. */
const modernNames: ReadonlyMap<string, RepositoryName> = new Map([
  ["distilgpt2", "distilbert/distilgpt2"],
  ["gpt2", "openai-community/gpt2"],
  ["gpt2-medium", "openai-community/gpt2-medium"],
  ["gpt2-large", "openai-community/gpt2-large"],
  ["gpt2-xl", "openai-community/gpt2-xl"],
]);

export function namesInCache(repository: RepositoryName): readonly RepositoryName[] {
  const modern = modernNames.get(repository);
  return modern === undefined ? [repository] : [repository, modern];
}

/** File names come from an untrusted listing and become paths here: nothing may point outside its folder. */
export function isSafeFileName(path: string): boolean {
  if (path === "" || path.length > 500 || /[\\\0:]/.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
