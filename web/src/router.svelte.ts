/** The address of the page within the console, which the browser's history keeps. */

const BASE = "/console";

class Router {
  #url = $state.raw(new URL(location.href));

  constructor() {
    addEventListener("popstate", () => {
      this.#url = new URL(location.href);
    });
  }

  /** From the console on: `/`, `/now`, `/requests/0192…`. */
  get path(): string {
    const path = this.#url.pathname.slice(BASE.length);
    return path === "" ? "/" : path.replace(/(.)\/$/, "$1");
  }

  /** What a page shows one of, named after the page's own path; empty for none. */
  get id(): string {
    return decodeURIComponent(this.path.split("/")[2] ?? "");
  }

  get query(): URLSearchParams {
    return this.#url.searchParams;
  }

  /** Goes to a page; `replace` leaves the one before out of the history. */
  go(path: string, { replace = false } = {}): void {
    const url = new URL(hrefOf(path), location.href);
    if (replace) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
    this.#url = url;
  }

  /** Takes clicks on links to pages of the console; everything else stays the browser's. */
  take(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return;
    if (link.hash !== "" && link.pathname === location.pathname) return;
    event.preventDefault();
    if (link.href !== location.href) this.go(link.pathname.slice(BASE.length) + link.search);
  }
}

export const router = new Router();

/** The address of a page of the console. */
export function hrefOf(path: string): string {
  return BASE + path;
}
