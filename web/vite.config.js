import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  logLevel: "warn",
  plugins: [svelte()],
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    // Every supported browser preloads modules by itself.
    modulePreload: { polyfill: false },
    // The policy of content allows files of this server, and no inline data.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
