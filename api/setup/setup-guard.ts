import { randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { RemsError } from "../../kernel/errors.ts";

/** Letters and digits that are not mistaken for one another when read from a log. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH = 8;
const WRONG_COUNT_MAX = 5;
const COOKIE = "rems-setup";

export interface SetupGuard {
  /** The code in force, as people type it. */
  code(): string;
}

/**
 * Lets in who knows the code that the program printed where only an administrator reads it. A code is good until it was given wrongly
 * five times; then there is a new one, which `onCode` is told. Only requests that name this machine as loopback are answered, so that a
 * page from elsewhere cannot reach the wizard through a name of its own.
 */
export function addSetupGuard(server: FastifyInstance, onCode: (code: string) => void): SetupGuard {
  let code = "";
  let wrongCount = 0;
  const sessions = new Set<string>();
  const renew = (): void => {
    code = newCode();
    wrongCount = 0;
    onCode(code);
  };
  renew();

  server.addHook("onRequest", async (request) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (!["127.0.0.1", "localhost", "[::1]"].includes(host)) {
      throw foreign("the setup wizard answers on this machine only");
    }
    const { url } = request;
    const isOpen = !url.startsWith("/api/") || url === "/api/v1/setup/session";
    if (isOpen || sessions.has(cookieOf(request.headers.cookie))) return;
    throw foreign("give the setup code first: POST /api/v1/setup/session");
  });
  server.post("/api/v1/setup/session", async (request, reply) => {
    const { code: given } = (request.body ?? {}) as { readonly code?: unknown };
    if (typeof given !== "string" || !isSame(plain(given), plain(code))) {
      wrongCount++;
      if (wrongCount >= WRONG_COUNT_MAX) renew();
      throw foreign("this is not the code; it stands in the log of r-emsd");
    }
    const session = randomBytes(24).toString("hex");
    sessions.add(session);
    return reply
      .header("set-cookie", `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`)
      .code(204)
      .send();
  });
  return { code: () => code };
}

function newCode(): string {
  const letters = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

function plain(code: string): string {
  return code.toUpperCase().replace(/[^A-Z0-9]/g, "");
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function cookieOf(header: string | undefined): string {
  const pair = (header ?? "").split(/;\s*/).find((one) => one.startsWith(`${COOKIE}=`));
  return pair?.slice(COOKIE.length + 1) ?? "";
}

/** 403: the request is understood, and who asks is not let in. */
function foreign(reason: string): RemsError {
  return new RemsError("REMS_PERMISSION_DENIED", reason);
}
