/** Where a warning of the compiler is wrong for us: what scrolls must be reachable by keyboard, and an edit begins in its field. */
const unwanted = ["a11y_no_noninteractive_tabindex", "a11y_autofocus"];

export default {
  compilerOptions: { runes: true, warningFilter: ({ code }) => !unwanted.includes(code) },
};
