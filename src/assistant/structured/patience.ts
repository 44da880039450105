/**
 * Whether those who asked for a form still wait for it. What may take long asks again and again: ended from outside, a
 * thread would have to be started anew, which on a busy machine takes longer than most forms.
 */
let isGivenUp: () => boolean = () => false;

/** Work was given up: its clients have gone, or it takes too long. */
export class GivenUpError extends Error {
  override readonly name = "GivenUpError";
}

/** What tells, in this thread. */
export function waitWhile(tells: () => boolean): void {
  isGivenUp = () => !tells();
}

/** @throws GivenUpError */
export function assertAwaited(): void {
  if (isGivenUp()) throw new GivenUpError("the form is not waited for any more");
}
