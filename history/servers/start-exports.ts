import type { HistoryStore } from "../store/history-store.ts";
import type { ServerOptions } from "../store/store-messages.ts";
import { Exporter, reasonOf } from "./exporter.ts";
import { createInfluxServer } from "./influxdb.ts";
import { createSurrealServer } from "./surrealdb.ts";

export interface Exports {
  stop(): void;
}

/** A server is asked so often whether it is there: one that is lost is known within two seconds. */
const STEP_MS = 1000;
/** Between two pieces for a server that has fallen behind: questions to the store come in between. */
const CATCH_UP_MS = 20;

/**
 * Keeps every server up to date, each by itself.
 * @param parts.onLostChanged - Which do not answer, and why; null where all do.
 */
export function startExports(parts: {
  readonly options: readonly ServerOptions[];
  readonly grids: readonly string[];
  readonly store: () => HistoryStore | null;
  readonly onLostChanged: (lost: string | null) => void;
}): Exports {
  const lost = new Map<string, string>();
  const timers = new Map<string, NodeJS.Timeout>();
  let isStopped = false;
  const report = (id: string, reason: string | null): void => {
    if (reason === null ? !lost.delete(id) : lost.has(id)) return;
    if (reason !== null) lost.set(id, reason);
    const all = [...lost].map(([server, why]) => `${server}: ${why}`);
    parts.onLostChanged(all.length === 0 ? null : all.join("; "));
  };
  const exporters = parts.options.map(({ id, ...options }) => {
    const server =
      options.kind === "influxdb" ? createInfluxServer(options) : createSurrealServer(options);
    const exporter = new Exporter(id, server, parts.store);
    const step = async (): Promise<void> => {
      let waitMs = STEP_MS;
      try {
        if (await exporter.step(parts.grids)) waitMs = CATCH_UP_MS;
        report(id, null);
      } catch (error) {
        report(id, reasonOf(error));
      }
      if (!isStopped)
        timers.set(
          id,
          setTimeout(() => void step(), waitMs),
        );
    };
    void step();
    return exporter;
  });
  return {
    stop() {
      isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      for (const exporter of exporters) void exporter.close();
    },
  };
}
