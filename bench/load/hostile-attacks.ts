import { type Attack, post } from "./attacks.ts";
import { fieldsOf, hostileForms } from "./hostile-forms.ts";

const ATTACKERS = 300;
const ROUTE = "/v1/chat/completions";

let sent = 0;
const request = (form: Parameters<typeof fieldsOf>[0]) => ({
  messages: [{ role: "user", content: "Look at red." }],
  max_tokens: 8,
  temperature: 1,
  seed: 1,
  ...fieldsOf(form, ++sent),
});

/** Each hostile form in one request. */
export const eachForm: readonly Attack[] = Object.entries(hostileForms).map(([name, form]) => ({
  name,
  run: (target) => post(target, ROUTE, request(form)),
}));

/** All of them many times at once; two of three clients go away while their form is worked out, or waits for it. */
export const allForms: Attack = {
  name: `${ATTACKERS} at once`,
  run: async (target) => {
    const forms = Object.values(hostileForms);
    const rounds = Array.from({ length: Math.ceil(ATTACKERS / forms.length) }, () => forms.map(request));
    const bodies = rounds
      .flat()
      .slice(0, ATTACKERS)
      .map((body) => JSON.stringify(body));
    await Promise.all(
      bodies.map((body, index) => post(target, ROUTE, body, index % 3 === 0 ? undefined : 20 + (index % 50))),
    );
  },
};

export const hostileAttacks: readonly Attack[] = [...eachForm, allForms];
