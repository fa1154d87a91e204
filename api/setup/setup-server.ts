import fastify from "fastify";
import type { SavedSetup, SetupWizard } from "../../configs/setup/wizard.ts";
import { RemsError } from "../../kernel/errors.ts";
import { addSetupGuard } from "./setup-guard.ts";
import { serveFiles } from "../http/static-files.ts";
import { httpErrorOf } from "../http/http-status.ts";
import { addSetupRoutes } from "./setup-routes.ts";
import { whyNotListen } from "./why-not-listen.ts";

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
  let ownPort = port;
  let tell: (saved: SavedSetup) => void = () => {};
  const saved = new Promise<SavedSetup>((resolve) => {
    tell = resolve;
  });
  addSetupRoutes(server, {
    openWizard,
    isFirstStart: true,
    servedDevices: () => [],
    beforeSave: (wizard) => checkPorts(wizard, ownPort),
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
    ownPort = Number(new URL(address).port);
    return { port: ownPort, saved, close: () => server.close() };
  } catch (cause) {
    throw new RemsError(
      "REMS_PORT_IN_USE",
      `the setup wizard cannot listen on ${LOOPBACK}:${port}; name another with --http-port`,
      { cause },
    );
  }
}

/** Where another program listens the node could not start: that is said while it can be mended here. */
async function checkPorts(wizard: SetupWizard, ownPort: number): Promise<void> {
  const node = wizard.nodeHere();
  if (node === null) return;
  const wanted = [
    ["peer port", node.peerPort],
    ["operator port", node.operatorPort],
    ["HTTP port", node.httpPort],
  ] as const;
  const found: string[] = [];
  for (const [name, port] of wanted) {
    const reason = port === ownPort ? null : await whyNotListen(node.host, port);
    if (reason !== null) found.push(`${name} ${node.host}:${port}: ${reason}`);
  }
  if (found.length === 0) return;
  const text = `${node.id} could not start: ${found.join("; ")}. Change it in step Nodes, or end that program`;
  wizard.noteFault(text);
  throw new RemsError("REMS_REQUEST_REFUSED", text);
}
