import { basename, dirname } from "node:path";
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HTTPMethods,
} from "fastify";
import { httpErrorOf } from "../http/http-status.ts";
import type { NodeView } from "../node-view.ts";

const BODY_BYTES_MAX = 1024 * 1024;

/**
 * The wizard of a running node: it edits this node's manifest, and what is saved is brought into force by `config apply`. Its schemas and
 * profiles are loaded with the first request, by a server of its own that listens nowhere.
 */
export function serveSetupLater(server: FastifyInstance, view: NodeView): void {
  let inner: Promise<FastifyInstance> | null = null;
  const answer = {
    bodyLimit: BODY_BYTES_MAX,
    method: ["GET", "PUT", "POST"] satisfies HTTPMethods[] as HTTPMethods[],
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      inner ??= createInner(view);
      const { method, url, body } = request;
      const response = await (
        await inner
      ).inject({
        method: method as "GET" | "PUT" | "POST",
        url,
        ...(body === undefined || body === null ? {} : { payload: body as object }),
      });
      const type = String(response.headers["content-type"] ?? "application/json");
      return reply.code(response.statusCode).type(type).send(response.rawPayload);
    },
  };
  server.route({ ...answer, url: "/api/v1/setup" });
  server.route({ ...answer, url: "/api/v1/setup/*" });
}

async function createInner({ manifest }: NodeView): Promise<FastifyInstance> {
  const [{ addSetupRoutes }, { SetupWizard }] = await Promise.all([
    import("./setup-routes.ts"),
    import("../../configs/setup/wizard.ts"),
  ]);
  const { path } = manifest;
  const inner = fastify({ bodyLimit: BODY_BYTES_MAX });
  inner.setErrorHandler((error, _request, reply) => {
    const { httpStatus, body } = httpErrorOf(error);
    return reply.code(httpStatus).send(body);
  });
  addSetupRoutes(inner, {
    openWizard: () =>
      new SetupWizard({
        root: dirname(path),
        fileName: basename(path),
        client: "web",
        nowMs: Date.now,
      }),
    isFirstStart: false,
    servedDevices: () =>
      manifest.grids.flatMap(({ devices }) =>
        devices.map(({ id, host, port }) => ({ device: id, host, port })),
      ),
    afterSave: () =>
      "the node goes on with what is in force; the configuration page shows what the new manifest would change",
  });
  return inner;
}
