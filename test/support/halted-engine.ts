import { enginePid } from "./processes.ts";
import { metric, type TestServer, until } from "./server.ts";

/**
 * Starts a request and stops the engine's process while it runs. The engine can be quicker than this process, which a busy
 * machine lets run late: then it is started again.
 */
export async function haltedEngine<Answer>(
  server: TestServer,
  start: () => Promise<Answer>,
): Promise<{ readonly engine: number; readonly running: Promise<Answer> }> {
  const engine = enginePid(server);
  const isRunning = async () => (await metric(server, "inference_running_sequences")) > 0;
  for (;;) {
    let isOver = false;
    const running = start().finally(() => {
      isOver = true;
    });
    // Whoever asked for it hears of it later.
    running.catch(() => {});
    await until(async () => isOver || (await isRunning()));
    process.kill(engine, "SIGSTOP");
    // What the engine had sent before is read by then.
    if ((await isRunning()) && !isOver) return { engine, running };
    process.kill(engine, "SIGCONT");
    await running;
  }
}
