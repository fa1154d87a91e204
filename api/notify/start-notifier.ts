import { randomUUID } from "node:crypto";
import type { AlarmEntry } from "../../kernel/alarm.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { channelOf } from "./channels.ts";
import { Notifier } from "./notifier.ts";

const LOOK_EVERY_MS = 1000;

/** Has this node tell people of alarms of the grids that it leads. @returns Its timer, or null where the manifest names no channel. */
export function startNotifier(
  view: NodeView,
  desk: CommandDesk,
  onFailedChanged: (isFailed: boolean) => void,
): NodeJS.Timeout | null {
  const { notifications, installation } = view.manifest;
  if (notifications.length === 0) return null;
  const notifier = new Notifier({
    channels: notifications.map((config) => ({ config, deliver: channelOf(config) })),
    sender: {
      installation: installation.name,
      installationId: installation.id,
      isSimulation: view.isSimulation,
      node: view.node.id,
    },
    ledAlarms() {
      const led = new Map<string, readonly AlarmEntry[]>();
      for (const [grid, replica] of view.replicas) {
        const status = view.statusOf(grid);
        const isLed = status?.role === "leading" && status.hasAuthority && replica.isCurrent;
        if (isLed) led.set(grid, replica.alarms());
      }
      return led;
    },
    async remember(grid, alarmId, notice) {
      const { isAccepted, reason } = await desk.decide(
        grid,
        {
          requestId: randomUUID(),
          role: "operator",
          user: "notifier",
          actor: view.replicaOf(grid).core.plan.address,
          command: "alarmNotified",
          arguments: { alarm: alarmId, notice },
        },
        0,
        false,
      );
      if (!isAccepted) throw new RemsError("REMS_REQUEST_REFUSED", reason);
    },
    onFailedChanged,
  });
  return setInterval(() => void notifier.tick(performance.now()), LOOK_EVERY_MS);
}
