import { isIP } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RemsError } from "../../kernel/errors.ts";
import type { NodeView } from "../node-view.ts";

/**
 * Keeps other web sites out. A page of somewhere else must not command a plant through the browser of an operator, nor read it by
 * giving its own name this node's address:
 * - the `Host` is an address, this machine's name, or a name of the manifest;
 * - what changes something is JSON, which a foreign page cannot send unasked;
 * - where the browser names the page's `Origin`, it is this node or another node of the installation.
 */
export function guardAgainstSites(server: FastifyInstance, view: NodeView): void {
  const names = new Set(["localhost", hostname().toLowerCase()]);
  for (const { host } of view.manifest.nodes) names.add(host.toLowerCase());
  const isKnownHost = (host: string): boolean => {
    const name = nameOf(host);
    return isIP(name) !== 0 || names.has(name);
  };
  const origins = new Set(
    view.manifest.nodes.flatMap(({ host, httpPort }) => [
      `http://${host}:${httpPort}`,
      `https://${host}:${httpPort}`,
    ]),
  );
  server.addHook("onRequest", async (request: FastifyRequest) => {
    const { host = "", origin } = request.headers;
    if (!isKnownHost(host)) {
      throw refused(`Host is "${host.slice(0, 80)}"; allowed are addresses and names of the nodes`);
    }
    if (request.method === "GET" || request.method === "HEAD") return;
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

/** Without the port. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.split(":", 1)[0] ?? "").toLowerCase();
}

function refused(text: string): RemsError {
  return new RemsError("REMS_REQUEST_REFUSED", text, { details: { isForeign: true } });
}
