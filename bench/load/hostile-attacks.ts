import { type Attack, post } from "./attacks.ts";
import { hostileForms } from "./hostile-forms.ts";

const ATTACKERS = 300;
const ROUTE = "/v1/chat/completions";

const request = (fields: object) => ({
  messages: [{ role: "user", content: "Look at red." }],
  max_tokens: 8,
  temperature: 1,
  seed: 1,
  ...fields,
});

/** Each hostile form in one request. */
export const eachForm: readonly Attack[] = Object.entries(hostileForms).map(([name, fields]) => ({
  name,
  run: (target) => post(target, ROUTE, request(fields)),
}));

/** All of them many times at once; two of three clients go away while their form is worked out, or waits for it. */
export const allForms: Attack = {
  name: `${ATTACKERS} at once`,
  run: async (target) => {
    const bodies = Object.values(hostileForms).map((fields) => JSON.stringify(request(fields)));
    const sent = Array.from({ length: ATTACKERS }, (_, index) =>
      post(
        target,
        ROUTE,
        bodies[index % bodies.length] ?? "",
        index % 3 === 0 ? undefined : 20 + (index % 50),
      ),
    );
    await Promise.all(sent);
  },
};

export const hostileAttacks: readonly Attack[] = [...eachForm, allForms];
