import { messageToJson } from "../../proto/message-json.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";
import { gridStatusMessage } from "../status-message.ts";
import type { JsonMethods } from "./methods.ts";

const EVERY_MS = 500;

/** Text of each grid's status, written once for all that watch it. */
const texts = new WeakMap<
  NodeView,
  Map<string, { readonly number: number; readonly text: string }>
>();

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
): () => void {
  const grids =
    request.grid === "" ? [...view.replicas.keys()] : [view.replicaOf(request.grid).grid];
  const tell = (grid: string, isFresh: boolean): void => {
    if (sink.isReady) sink.send({ text: textOf(view, methods, grid, isFresh) });
  };
  const tellAll = (): void => {
    for (const grid of grids) tell(grid, false);
  };
  const epochs = new Map<string, string>();
  sink.onReady = tellAll;
  const end = view.onChange((change) => {
    if (change.type === "frame") {
      if (!grids.includes(change.grid)) return;
      const { changes, core } = view.replicaOf(change.grid);
      const every = Math.max(1, Math.round(EVERY_MS / core.plan.grid.timings.scanMs));
      if (changes.number % every === 0) tell(change.grid, false);
    } else if (change.type === "gap" && grids.includes(change.grid)) {
      // A snapshot replaced everything, or a replay stands elsewhere.
      tell(change.grid, true);
    } else if (change.type === "status" && grids.includes(change.grid)) {
      const status = view.statusOf(change.grid);
      const key = JSON.stringify([
        status?.role,
        status?.epoch,
        status?.inSync,
        status?.hasAuthority,
      ]);
      if (epochs.get(change.grid) === key) return;
      epochs.set(change.grid, key);
      tell(change.grid, true);
    }
  });
  tellAll();
  return end;
}

function textOf(view: NodeView, methods: JsonMethods, grid: string, isFresh: boolean): string {
  const { number } = view.replicaOf(grid).changes;
  const kept = texts.get(view) ?? new Map<string, { number: number; text: string }>();
  texts.set(view, kept);
  const last = kept.get(grid);
  if (last?.number === number && !isFresh) return last.text;
  const json = messageToJson(methods.schemas, "rems.v1.GridStatus", gridStatusMessage(view, grid));
  const text = JSON.stringify(json);
  kept.set(grid, { number, text });
  return text;
}
