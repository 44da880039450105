import { call, failureOf, onUnauthorized, Unreachable } from "./api/client.ts";

interface SessionState {
  readonly signed_in: boolean;
  readonly known_key: string | null;
}

/** Whether this browser may use the API. The key itself is sent once and kept nowhere. */
class Session {
  state = $state<"unknown" | "unreachable" | "signed-out" | "signed-in">("unknown");
  /** What is wrong with the key that was tried. */
  refusal = $state<string | null>(null);

  constructor() {
    onUnauthorized(() => {
      if (this.state === "signed-in") this.state = "signed-out";
    });
  }

  /** Finds the session, and opens one where the key is the documented default. */
  async start(): Promise<void> {
    try {
      const { signed_in, known_key } = await call<SessionState>("/console/session");
      if (signed_in) this.state = "signed-in";
      else if (known_key !== null) await this.signIn(known_key);
      else this.state = "signed-out";
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.state = "unreachable";
    }
  }

  async signIn(key: string): Promise<void> {
    this.refusal = null;
    try {
      await call<SessionState>("/console/session", { method: "POST", body: { key } });
      this.state = "signed-in";
    } catch (error) {
      this.refusal = failureOf(error).message;
      this.state = "signed-out";
    }
  }

  async signOut(): Promise<void> {
    await call<SessionState>("/console/session", { method: "DELETE" });
    this.state = "signed-out";
  }
}

export const session = new Session();
