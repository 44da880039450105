/** Entry of the process that attacks: one attack by its name, one report, in order. */
import { attacks } from "./attacks.ts";
import { hostileAttacks } from "./hostile-attacks.ts";

export interface AttackOrder {
  readonly name: string;
  readonly url: string;
  readonly apiKey: string;
}

export interface AttackReport {
  readonly ms: number;
  /** How many answers of each status came. */
  readonly statuses: Readonly<Record<string, number>>;
}

process.on("message", async ({ name, url, apiKey }: AttackOrder) => {
  const attack = [...attacks, ...hostileAttacks].find((each) => each.name === name);
  if (attack === undefined) throw new Error(`there is no attack ${name}`);
  const statuses = new Map<string, number>();
  const startedAt = performance.now();
  await attack.run({ url, apiKey, statuses });
  const report: AttackReport = {
    ms: performance.now() - startedAt,
    statuses: Object.fromEntries(statuses),
  };
  process.send?.(report);
});
process.on("disconnect", () => process.exit());
