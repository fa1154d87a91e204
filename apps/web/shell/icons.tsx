import type { JSX } from "preact";

/** Line icons of 20 by 20, drawn for this application. */
const PATHS: Readonly<Record<string, string>> = {
  overview: "M3 13h14M6 13V5M14 13V5M10 13v4M4.5 6.5h3v3h-3zM12.5 6.5h3v3h-3z",
  grids: "M2 8h16M5 8v6M10 8v6M15 8v6M3.5 14h3v3h-3zM8.5 14h3v3h-3zM13.5 14h3v3h-3zM10 3v5",
  devices: "M10 3.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM6.5 11q1.8-4 3.5-1t3.5-1",
  controllers: "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.01M6 13.5h.01M9 6.5h5M9 13.5h5",
  actors:
    "M10 3v4M4 13v-2.5h12V13M10 7v3.5M7.5 3h5v4h-5zM1.8 13h4.4v4H1.8zM7.8 13h4.4v4H7.8zM13.8 13h4.4v4h-4.4z",
  alarms: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.2",
  trends: "M3 3v14h14M5.5 13l3-4 3 2 4.5-6",
  events: "M4 5h12M4 10h12M4 15h8",
  incidents: "M10 3a7 7 0 1 0 7 7M10 6v4l3 2M13 2.5l4 .5-.5 4",
  simulation: "M7 3h6M8 3v5l-4.5 8q-.6 1.5 1 1.5h11q1.6 0 1-1.5L12 8V3M6 12.5h8",
  settings: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  setup: "M4 16l8.5-8.5M11 4l1 1M15.5 8.5l1 1M15 4l-1.5 1.5M12.5 7.5l2-2 2 2-2 2z",
  person: "M10 3.5a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM4 16.5q0-4.5 6-4.5t6 4.5z",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7zM10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.5 1.5M14.2 14.2l1.5 1.5M4.3 15.7l1.5-1.5M14.2 5.8l1.5-1.5",
  moon: "M16 12a6.5 6.5 0 0 1-8-8 6.5 6.5 0 1 0 8 8z",
  close: "M5 5l10 10M15 5L5 15",
  download: "M10 3v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12",
  search: "M8.5 3.5a5 5 0 1 0 0 10a5 5 0 1 0 0-10zM12.3 12.3L17 17",
};

export function Icon({ name, size = 20 }: { name: string; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
