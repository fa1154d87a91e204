import { computed } from "@preact/signals";
import { status } from "../data/store.ts";

export interface PageEntry {
  /** First part of the route; empty for the overview. */
  readonly page: string;
  readonly title: string;
  readonly icon: string;
  /** Key that leads there after `g`. */
  readonly key: string;
}

const ALL: readonly PageEntry[] = [
  { page: "", title: "Overview", icon: "overview", key: "o" },
  { page: "grids", title: "Grids", icon: "grids", key: "g" },
  { page: "devices", title: "Devices", icon: "devices", key: "d" },
  { page: "controllers", title: "Controllers", icon: "controllers", key: "c" },
  { page: "alarms", title: "Alarms", icon: "alarms", key: "a" },
  { page: "trends", title: "Trends", icon: "trends", key: "t" },
  { page: "events", title: "Events", icon: "events", key: "e" },
  { page: "actors", title: "Actors", icon: "actors", key: "m" },
  { page: "incidents", title: "Incidents", icon: "incidents", key: "i" },
  { page: "simulation", title: "Simulation", icon: "simulation", key: "x" },
  { page: "settings", title: "Settings", icon: "settings", key: "s" },
];

/** In the order of the menu. A real plant has no page that breaks it. */
export const pages = computed<readonly PageEntry[]>(() =>
  ALL.filter(({ page }) => page !== "simulation" || status.value?.isSimulation === true),
);
