/** A schema that the server takes; every complete answer must validate against it. */
export interface SchemaCase {
  readonly name: string;
  readonly schema: unknown;
}
