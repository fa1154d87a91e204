import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { status } from "../data/store.ts";
import { Dialogs } from "../parts/dialog.tsx";
import { Notices } from "../parts/notices.tsx";
import { Overview } from "../pages/overview/overview.tsx";
import { AlarmLine } from "./alarm-line.tsx";
import { Header } from "./header.tsx";
import { Later, type Load } from "./later.tsx";
import { useKeys } from "./keys.ts";
import { Menu } from "./menu.tsx";
import { pages } from "./pages.ts";
import { ReplayBar } from "./replay-bar.tsx";
import { route } from "./route.ts";
import { showThisScreen } from "./this-screen.tsx";
import "./shell.css";

/** All but the overview: fetched at leisure, or when one is first opened. */
const LATER: Readonly<Record<string, Load>> = {
  grids: () => import("../pages/grids-page.tsx"),
  devices: () => import("../pages/devices-page.tsx"),
  points: () => import("../pages/points-page.tsx"),
  controllers: () => import("../pages/controllers-page.tsx"),
  alarms: () => import("../pages/alarms-page.tsx"),
  trends: () => import("../pages/trends-page.tsx"),
  events: () => import("../pages/events-page.tsx"),
  actors: () => import("../pages/actors-page.tsx"),
  simulation: () => import("../pages/simulation-page.tsx"),
  settings: () => import("../pages/settings-page.tsx"),
  incidents: () => import("../pages/incidents-page.tsx"),
};

const LEISURE_MS = 300;

/** A page outlives the node that it came from: what it may need is fetched while that one still answers. */
function fetchLater(): () => void {
  const timer = setTimeout(() => {
    for (const load of Object.values(LATER)) void load().catch(() => {});
  }, LEISURE_MS);
  return () => clearTimeout(timer);
}

export function App(): JSX.Element {
  const { page } = route.value;
  const main = useRef<HTMLElement>(null);
  const entry = pages.value.find((one) => one.page === page);
  const title = entry?.title ?? "Not found";
  useKeys(showThisScreen);
  useEffect(fetchLater, []);
  useEffect(() => {
    const { installation, isSimulation } = status.value ?? {
      installation: "",
      isSimulation: false,
    };
    document.title = `${title} · ${installation || "R-EMS"}${isSimulation ? " · SIMULATION" : ""}`;
  }, [title, status.value?.installation, status.value?.isSimulation]);
  return (
    <div class="app">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <Header />
      <Menu />
      <div class="body">
        <ReplayBar />
        <AlarmLine />
        <main ref={main} tabIndex={-1} aria-label={title}>
          <Page page={page} title={title} />
        </main>
      </div>
      <Notices />
      <Dialogs />
    </div>
  );
}

function Page({ page, title }: { page: string; title: string }): JSX.Element {
  const load = LATER[page];
  if (page === "") return <Overview />;
  if (load !== undefined) return <Later load={load} title={title} />;
  return (
    <section class="panel empty">
      <h1>There is no page “{page}”</h1>
      <p>
        <a href="#/">Overview</a>
      </p>
    </section>
  );
}
