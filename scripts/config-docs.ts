/** Writes docs/configuration.md from the settings in the code; a test compares the two. */
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Setting } from "../src/config/setting.ts";
import { sections } from "../src/config/settings.ts";

const introduction = `# Configuration

Every setting is one environment variable, read once at start from the environment and from \`.env\` in the working
directory (the environment wins). All mistakes are reported at once, with exit code 2. An empty variable counts as
unset.

This page is made from \`src/config/settings.ts\` by \`npm run docs:config\`.
`;

export function renderConfigurationPage(): string {
  const parts = Object.entries(sections).map(([title, settings]) => {
    const rows = (Object.values(settings) as Setting<unknown>[]).map(row).join("\n");
    return `## ${title}\n\n| variable | default | form | meaning |\n| --- | --- | --- | --- |\n${rows}\n`;
  });
  return [introduction, ...parts].join("\n");
}

function row({ variable, defaultText, form, description }: Setting<unknown>): string {
  const shown = defaultText.replace(homedir(), "~");
  return `| \`${variable}\` | ${shown === "" ? "none" : `\`${shown}\``} | ${form} | ${description} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/configuration.md", import.meta.url), renderConfigurationPage());
}
