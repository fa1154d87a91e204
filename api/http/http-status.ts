import { RemsError } from "../../kernel/errors.ts";
import { CODE, statusOf, type StatusJson } from "../status-of-error.ts";

/** HTTP status of each code, as the public definition of `google.rpc.Code` gives it. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [CODE.invalidArgument]: 400,
  [CODE.failedPrecondition]: 400,
  [CODE.permissionDenied]: 403,
  [CODE.notFound]: 404,
  [CODE.resourceExhausted]: 429,
  [CODE.unavailable]: 503,
  [CODE.deadlineExceeded]: 504,
};

/** Codes of statuses that fastify gives by itself: a body too large, a broken JSON. */
const CODE_OF_HTTP: Readonly<Record<number, number>> = {
  404: CODE.notFound,
  413: CODE.invalidArgument,
  415: CODE.invalidArgument,
  429: CODE.resourceExhausted,
};

/** An error as HTTP sends it: `google.rpc.Status` as JSON. */
export function httpErrorOf(error: unknown): {
  readonly httpStatus: number;
  readonly body: StatusJson;
} {
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (!(error instanceof RemsError) && statusCode !== undefined && statusCode < 500) {
    const code = CODE_OF_HTTP[statusCode] ?? CODE.invalidArgument;
    return { httpStatus: statusCode, body: { code, message: message ?? "", details: [] } };
  }
  const body = statusOf(error);
  return { httpStatus: HTTP_STATUS[body.code] ?? 500, body };
}
