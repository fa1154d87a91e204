import type { FastifyInstance } from "fastify";
import { RemsError } from "../../kernel/errors.ts";
import { API_PREFIX } from "./routes.ts";

const ANSWER_MS_MAX = 70_000;

/**
 * Passes on what a web page asks of the simulation to the launcher that runs it, on loopback. A node without one has no simulation to
 * command; in production the address cannot be given.
 *
 * @param launcher - `http://127.0.0.1:<port>`, or null.
 */
export function relaySimulation(server: FastifyInstance, launcher: string | null): void {
  const pass = async (init: RequestInit): Promise<unknown> => {
    if (launcher === null) {
      throw new RemsError("REMS_NOT_FOUND", "no launcher stands behind this node");
    }
    let response: Response;
    try {
      response = await fetch(launcher, { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    } catch (cause) {
      throw new RemsError("REMS_TIMEOUT", "the launcher does not answer", { cause });
    }
    const body = (await response.json()) as { readonly message?: string };
    if (response.ok) return body;
    throw new RemsError("REMS_REQUEST_REFUSED", body.message ?? "the launcher refused");
  };
  server.get(`${API_PREFIX}/simulation`, () => pass({}));
  server.post(`${API_PREFIX}/simulation`, (request) =>
    pass({ method: "POST", body: JSON.stringify(request.body) }),
  );
}
