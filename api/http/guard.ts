import { isIP } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { NodeView } from "../node-view.ts";

/**
 * Keeps other web sites out. A page of somewhere else must not command a plant through the browser of an operator, nor read it by
 * giving its own name this node's address:
 * - the `Host` is an address, this machine's name, or a name of the manifest;
 * - what changes something is JSON, which a foreign page cannot send unasked;
 * - where the browser names the page's `Origin`, it is this node, another node of the installation, or one that the manifest names. To these alone the browser is told
 *   that they may read: a page goes on with another node where its own dies.
 */
export function guardAgainstSites(server: FastifyInstance, view: NodeView): void {
  const names = new Set(["localhost", hostname().toLowerCase()]);
  for (const { host } of view.manifest.nodes) names.add(host.toLowerCase());
  const isKnownHost = (host: string): boolean => {
    const name = nameOf(host);
    return isIP(name) !== 0 || names.has(name);
  };
  const origins = new Set([...originsOf(view.manifest.nodes), ...view.manifest.http.origins]);
  server.options("/*", (_request, reply) => reply.code(204).send());
  server.addHook("onRequest", async (request: FastifyRequest, reply) => {
    const { host = "", origin } = request.headers;
    if (!isKnownHost(host)) {
      throw refused(`Host is "${host.slice(0, 80)}"; allowed are addresses and names of the nodes`);
    }
    if (origin !== undefined && origins.has(origin)) {
      // On the socket's own response too: a stream of events takes it over.
      for (const [name, value] of Object.entries(allowing(origin))) {
        void reply.header(name, value);
        reply.raw.setHeader(name, value);
      }
    }
    if (["GET", "HEAD", "OPTIONS"].includes(request.method)) return;
    const isOwn = origin === `http://${host}` || origin === `https://${host}`;
    if (origin !== undefined && !isOwn && !origins.has(origin)) {
      throw refused(`the page at ${origin.slice(0, 80)} may not command this installation`);
    }
    const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
    if (type !== "application/json") {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `Content-Type is ${(type ?? "absent").slice(0, 80)}; allowed is application/json`,
        { details: { field: "Content-Type" } },
      );
    }
  });
}

const allowing = (origin: string) => ({
  "access-control-allow-origin": origin,
  "access-control-allow-methods": "GET, POST, PUT, DELETE",
  "access-control-allow-headers": "content-type",
  vary: "Origin",
});

/** Where pages of the nodes come from; a loopback node is also called `localhost`. */
export function originsOf(nodes: Manifest["nodes"]): string[] {
  return nodes.flatMap(({ host, httpPort }) => {
    const names = host === "127.0.0.1" ? [host, "localhost"] : [host];
    return names.flatMap((name) => [`http://${name}:${httpPort}`, `https://${name}:${httpPort}`]);
  });
}

/** Without the port. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.split(":", 1)[0] ?? "").toLowerCase();
}

function refused(text: string): RemsError {
  return new RemsError("REMS_PERMISSION_DENIED", text);
}
