import type { Component } from "svelte";

interface Page {
  /** Within the console; what lies below belongs to it too. */
  readonly path: string;
  readonly name: string;
  /** Each page is a separate chunk: the first one loads quickly. */
  readonly load: () => Promise<{ readonly default: Component }>;
}

export const pages: readonly Page[] = [
  { path: "/", name: "Chat", load: () => import("./chat/ChatPage.svelte") },
  { path: "/now", name: "Now", load: () => import("./now/NowPage.svelte") },
  { path: "/requests", name: "Requests", load: () => import("./requests/RequestsPage.svelte") },
  { path: "/timeline", name: "Timeline", load: () => import("./timeline/TimelinePage.svelte") },
  { path: "/cache", name: "Cache", load: () => import("./cache/CachePage.svelte") },
  { path: "/capacity", name: "Capacity", load: () => import("./capacity/CapacityPage.svelte") },
  {
    path: "/microscope",
    name: "Microscope",
    load: () => import("./microscope/MicroscopePage.svelte"),
  },
  { path: "/data", name: "Data", load: () => import("./data/DataPage.svelte") },
  { path: "/evaluations", name: "Evaluations", load: () => import("./evaluations/EvaluationsPage.svelte") },
  { path: "/agents", name: "Agents", load: () => import("./agents/AgentsPage.svelte") },
  { path: "/settings", name: "Settings", load: () => import("./settings/SettingsPage.svelte") },
];

export function pageAt(path: string): Page | undefined {
  return pages.find((page) => path === page.path || (page.path !== "/" && path.startsWith(`${page.path}/`)));
}
