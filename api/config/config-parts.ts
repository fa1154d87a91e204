import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { createAskGrid } from "./ask-leader.ts";
import { createConfigDesk } from "./config-desk.ts";
import { type ConfigService, configService } from "./config-service.ts";
import type { ConfigEvents } from "./lazy-config.ts";
import { writeManifest } from "./manifest-writer.ts";
import { createRestart } from "./restart-node.ts";

/** Everything about the configuration, wired: loaded with the first question about it. */
export function createConfigParts(
  view: NodeView,
  desk: CommandDesk,
  startText: string,
  events: ConfigEvents,
): { readonly service: ConfigService; readonly write: () => void } {
  const ask = createAskGrid(view, desk);
  const config = createConfigDesk(view, startText, ask.anywhere);
  return {
    service: configService(view, config, ask.here, createRestart(view, events.restart)),
    write: () => writeManifest(view, events.manifest),
  };
}
