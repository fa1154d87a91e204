import { parametersHash, parametersOf, type ParameterSet } from "../../actors/grid/parameters.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import type { Types } from "../../proto/generated/rems-v1.ts";
import { type Service, unary, type UnaryMethod } from "../service.ts";
import type { ConfigService } from "./config-service.ts";
import { parametersOnly } from "./grid-configurations.ts";

export interface ConfigEvents {
  /** Somebody wants the node to start anew with its file. */
  readonly restart: (user: string) => void;
  /** The node's file was written as it is in force, or left alone. */
  readonly manifest: (isWritten: boolean, text: string) => void;
}

/** What the worker does with the configuration while nobody asks for it: next to nothing. */
export interface LazyConfig {
  readonly service: Service;
  /** Called often: has the node's file written once a change was confirmed. */
  look(): void;
}

/**
 * The configuration for a worker that mostly does without: schemas, profiles and the rest are loaded with the first question about it.
 *
 * @param startText - The node's file as the daemon read it.
 */
export function createLazyConfig(
  view: NodeView,
  desk: CommandDesk,
  startText: string,
  events: ConfigEvents,
): LazyConfig {
  let parts: Promise<{ readonly service: ConfigService; readonly write: () => void }> | null = null;
  const load = () => {
    parts ??= import("./config-parts.ts").then(({ createConfigParts }) =>
      createConfigParts(view, desk, startText, events),
    );
    return parts;
  };
  /** Values that were looked at, by grid: the same object as long as nothing changes. */
  const seen = new Map<string, ParameterSet>();
  const startHashes = new Map<string, string>(
    view.manifest.grids.map((grid) => [grid.id, parametersHash(parametersOf(grid))]),
  );
  const later = <Request, Response>(
    choose: (service: ConfigService) => UnaryMethod<Request, Response>,
  ) => unary(async (request: Request) => choose((await load()).service).answer(request));
  const wholeConfig = later(({ getConfig }) => getConfig);
  return {
    service: {
      getConfig: unary((request: Types.rems.v1.GetConfigRequest) =>
        request.parametersOnly ? parametersOnly(view) : wholeConfig.answer(request),
      ),
      previewConfig: later(({ previewConfig }) => previewConfig),
      applyConfig: later(({ applyConfig }) => applyConfig),
      settleConfig: later(({ settleConfig }) => settleConfig),
      configureGrid: later(({ configureGrid }) => configureGrid),
      restartNode: later(({ restartNode }) => restartNode),
    },
    look() {
      let isNews = false;
      for (const [grid, replica] of view.replicas) {
        const { configuration } = replica.state;
        if (configuration === undefined || !replica.isCurrent || configuration.trial !== null)
          continue;
        if (seen.get(grid) === configuration.values) continue;
        seen.set(grid, configuration.values);
        // A snapshot brings the same values as another object.
        const hash = parametersHash(configuration.values);
        if (startHashes.get(grid) === hash) continue;
        startHashes.set(grid, hash);
        isNews = true;
      }
      if (isNews) void load().then(({ write }) => write());
    },
  };
}
