import { createReadStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { RemsError } from "../../kernel/errors.ts";
import { httpErrorOf } from "./http-status.ts";
import { API_PREFIX } from "./routes.ts";

/** Where `vite build` puts the web application. */
const WEB_FOLDER = ["dist", "web"];
const DOCUMENT = ["docs", "05-networking", "openapi.json"];
const SCHEMA = ["configs", "schema", "r-ems.schema.json"];
const DAY_S = 86_400;

/**
 * The OpenAPI document, the manifest's schema, and the built web application where there is one: its pages are one document whose parts it finds itself.
 * @param origins - Of the nodes that a page may ask, besides the one that it came from.
 */
export function serveFiles(server: FastifyInstance, origins: readonly string[]): void {
  for (const [path, file] of [
    ["openapi.json", DOCUMENT],
    ["manifest-schema.json", SCHEMA],
  ] as const) {
    server.get(`${API_PREFIX}/${path}`, (_request, reply) =>
      reply.type("application/json").send(createReadStream(join(projectFolder(), ...file))),
    );
  }
  const root = join(projectFolder(), ...WEB_FOLDER);
  const policy = contentPolicy(origins);
  const hasWeb = existsSync(join(root, "index.html"));
  if (hasWeb) {
    void server.register(fastifyStatic, {
      root,
      wildcard: true,
      preCompressed: true,
      cacheControl: false,
      setHeaders(response, path) {
        // Names of assets carry their hash; the document itself is asked for each time.
        const isAsset = path.includes(join("web", "assets"));
        const value = isAsset ? `public, max-age=${365 * DAY_S}, immutable` : "no-cache";
        void response.header("cache-control", value);
        void response.header("x-content-type-options", "nosniff");
        if (!isAsset) void response.header("content-security-policy", policy);
      },
    });
  }
  server.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const isPage = method === "GET" && !url.startsWith("/api/") && !/\.\w+(?:\?|$)/.test(url);
    if (hasWeb && isPage) return reply.sendFile("index.html");
    const hint = hasWeb ? "" : "; the web application is not built: npm run build:web";
    const { httpStatus, body } = httpErrorOf(
      new RemsError(
        "REMS_NOT_FOUND",
        `there is no ${method} ${url.slice(0, 100)}; ${API_PREFIX}/openapi.json lists what there is${hint}`,
      ),
    );
    return reply.code(httpStatus).send(body);
  });
}

/** Scripts and styles from here alone; questions to the nodes of the installation, which take over where this one dies. */
function contentPolicy(origins: readonly string[]): string {
  return [
    "default-src 'self'",
    `connect-src 'self' ${origins.join(" ")}`.trim(),
    "img-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The folder of this project, from the source as from what is compiled. */
function projectFolder(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 5; depth++) {
    if (existsSync(join(directory, "package.json"))) return directory;
    directory = dirname(directory);
  }
  throw new RemsError("REMS_CONFIG_NOT_FOUND", "the folder of R-EMS is missing around its code");
}
