import fastify from "fastify";
import type { SavedSetup, SetupWizard } from "../../configs/setup/wizard.ts";
import { RemsError } from "../../kernel/errors.ts";
import { addSetupGuard } from "./setup-guard.ts";
import { serveFiles } from "../http/static-files.ts";
import { httpErrorOf } from "../http/http-status.ts";
import { addSetupRoutes } from "./setup-routes.ts";

export interface SetupServerOptions {
  readonly openWizard: () => SetupWizard;
  /** 0 takes a free one. */
  readonly port: number;
  /** A code that lets in; again whenever it changes. */
  readonly onCode: (code: string) => void;
}

export interface SetupServer {
  readonly port: number;
  /** The manifest was saved. */
  readonly saved: Promise<SavedSetup>;
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const BODY_BYTES_MAX = 1_000_000;

/**
 * What a node without a manifest serves: the wizard, on this machine only.
 * @throws {@link RemsError} `REMS_PORT_IN_USE`.
 */
export async function startSetupServer(options: SetupServerOptions): Promise<SetupServer> {
  const { openWizard, port } = options;
  const server = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  server.setErrorHandler((error, _request, reply) => {
    const { httpStatus, body } = httpErrorOf(error);
    return reply.code(httpStatus).send(body);
  });
  addSetupGuard(server, options.onCode);
  let tell: (saved: SavedSetup) => void = () => {};
  const saved = new Promise<SavedSetup>((resolve) => {
    tell = resolve;
  });
  addSetupRoutes(server, {
    openWizard,
    isFirstStart: true,
    servedDevices: () => [],
    afterSave(result) {
      // The answer goes out first.
      setTimeout(() => tell(result), 200);
      return "the node starts now";
    },
  });
  server.get("/healthz", () => ({ status: "ok", isSetup: true }));
  server.get("/readyz", async (_request, reply) =>
    reply.code(503).send({ status: "notReady", isSetup: true, grids: [] }),
  );
  serveFiles(server, []);
  try {
    const address = await server.listen({ host: LOOPBACK, port });
    return { port: Number(new URL(address).port), saved, close: () => server.close() };
  } catch (cause) {
    throw new RemsError(
      "REMS_PORT_IN_USE",
      `the setup wizard cannot listen on ${LOOPBACK}:${port}; name another with --http-port`,
      { cause },
    );
  }
}
