import { messageToJson } from "../../proto/message-json.ts";
import type { ApiGridStatus } from "../api-messages.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";
import { gridStatusMessage } from "../status-message.ts";
import { systemTimers, type WatchTimers } from "../watch/timers.ts";
import type { JsonMethods } from "./methods.ts";

const EVERY_MS = 500;
/** Without frames (nobody leads, or this node is cut off) it is told so often that a page sees that the node lives. */
const QUIET_MS_MAX = 1000;

interface Told {
  readonly number: number;
  readonly status: ApiGridStatus | null;
  readonly text: string;
}

/** Text of each grid's status, written once for all that watch it. */
const texts = new WeakMap<NodeView, Map<string, Told>>();

/**
 * The status of each grid, as `GetStatus` has it, then twice a second and at each change of the leadership. A slow reader gets the
 * newest when it reads again.
 * @returns What ends it.
 */
export function watchStatus(
  view: NodeView,
  methods: JsonMethods,
  request: { readonly grid: string },
  sink: Sink<{ readonly text: string }>,
  timers: WatchTimers = systemTimers,
): () => void {
  const grids =
    request.grid === "" ? [...view.replicas.keys()] : [view.replicaOf(request.grid).grid];
  const toldAtMs = new Map<string, number>();
  const tell = (grid: string): void => {
    if (!sink.isReady) return;
    toldAtMs.set(grid, timers.nowMs());
    sink.send({ text: textOf(view, methods, grid) });
  };
  const tellAll = (): void => {
    for (const grid of grids) tell(grid);
  };
  const leaderships = new Map<string, string>();
  sink.onReady = tellAll;
  const end = view.onChange((change) => {
    if (change.type === "frame") {
      if (!grids.includes(change.grid)) return;
      const { changes, core } = view.replicaOf(change.grid);
      const every = Math.max(1, Math.round(EVERY_MS / core.plan.grid.timings.scanMs));
      if (changes.number % every === 0) tell(change.grid);
    } else if (change.type === "gap" && grids.includes(change.grid)) {
      // A snapshot replaced everything, or a replay stands elsewhere.
      tell(change.grid);
    } else if (change.type === "status" && grids.includes(change.grid)) {
      const status = view.statusOf(change.grid);
      const leadership = JSON.stringify([
        status?.role,
        status?.epoch,
        status?.inSync,
        status?.hasAuthority,
      ]);
      const isQuiet = timers.nowMs() - (toldAtMs.get(change.grid) ?? 0) >= QUIET_MS_MAX;
      if (!isQuiet && leaderships.get(change.grid) === leadership) return;
      leaderships.set(change.grid, leadership);
      tell(change.grid);
    }
  });
  tellAll();
  return end;
}

function textOf(view: NodeView, methods: JsonMethods, grid: string): string {
  const { number } = view.replicaOf(grid).changes;
  const status = view.statusOf(grid);
  const kept = texts.get(view) ?? new Map<string, Told>();
  texts.set(view, kept);
  const last = kept.get(grid);
  if (last?.number === number && last.status === status) return last.text;
  const json = messageToJson(methods.schemas, "rems.v1.GridStatus", gridStatusMessage(view, grid));
  const text = JSON.stringify(json);
  kept.set(grid, { number, status, text });
  return text;
}
