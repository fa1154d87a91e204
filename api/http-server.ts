import fastify, { type FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import type { NodeView } from "./node-view.ts";

/** `/metrics` for Prometheus; `/healthz`: the process answers; `/readyz`: each grid's controller leads or stands by in sync. */
export function createHttpServer(view: NodeView, metrics: Metrics): FastifyInstance {
  const server = fastify({ bodyLimit: 64 * 1024, forceCloseConnections: true });
  server.get("/healthz", () => ({
    status: "ok",
    node: view.node.id,
    isSimulation: view.isSimulation,
  }));
  server.get("/readyz", async (_request, reply) => {
    const grids = [...view.replicas.keys()].map((grid) => {
      const status = view.statusOf(grid);
      const isInSync = status?.inSync.some(({ node }) => node === view.node.id) ?? false;
      const isReady = status?.role === "leading" || (status?.role === "standby" && isInSync);
      return { grid, role: status?.role ?? "joining", isReady };
    });
    const isReady = grids.every((grid) => grid.isReady);
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ready" : "notReady", grids });
  });
  if (view.manifest.metrics.isEnabled) {
    server.get("/metrics", async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    );
  }
  return server;
}
