import type { Component } from "svelte";

interface Page {
  /** Within the console; what lies below belongs to it too. */
  readonly path: string;
  readonly name: string;
  /** Goes there after `g`. */
  readonly key: string;
  /** Each page is a separate chunk: the first one loads quickly. */
  readonly load: () => Promise<{ readonly default: Component }>;
}

export const pages: readonly Page[] = [
  { path: "/", name: "Chat", key: "c", load: () => import("./chat/ChatPage.svelte") },
  { path: "/now", name: "Now", key: "n", load: () => import("./now/NowPage.svelte") },
  { path: "/requests", name: "Requests", key: "r", load: () => import("./requests/RequestsPage.svelte") },
  { path: "/timeline", name: "Timeline", key: "t", load: () => import("./timeline/TimelinePage.svelte") },
  { path: "/cache", name: "Cache", key: "k", load: () => import("./cache/CachePage.svelte") },
  { path: "/capacity", name: "Capacity", key: "p", load: () => import("./capacity/CapacityPage.svelte") },
  {
    path: "/microscope",
    name: "Microscope",
    key: "m",
    load: () => import("./microscope/MicroscopePage.svelte"),
  },
  { path: "/data", name: "Data", key: "d", load: () => import("./data/DataPage.svelte") },
  {
    path: "/evaluations",
    name: "Evaluations",
    key: "e",
    load: () => import("./evaluations/EvaluationsPage.svelte"),
  },
  { path: "/agents", name: "Agents", key: "a", load: () => import("./agents/AgentsPage.svelte") },
  { path: "/settings", name: "Settings", key: "s", load: () => import("./settings/SettingsPage.svelte") },
];

export function pageAt(path: string): Page | undefined {
  return pages.find((page) => path === page.path || (page.path !== "/" && path.startsWith(`${page.path}/`)));
}
