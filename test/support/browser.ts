import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((each) =>
  existsSync(each),
);

/** Reason to print when a test that needs a browser is skipped, or false. */
export const skipWithoutBrowser =
  path === undefined ? "needs Chromium, which is not installed" : (false as const);

/** A real Chromium without a window, which sends nothing by itself. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: path ?? "",
    args: [
      "--no-sandbox",
      "--headless",
      "--disable-gpu",
      "--disable-quic",
      "--disable-sync",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
    ],
  });
}
