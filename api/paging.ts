import { createHash } from "node:crypto";
import { RemsError } from "../kernel/errors.ts";

const PAGE_SIZE_MAX = 1000;

/** Which part of a list a request asks for. */
export interface Page {
  readonly from: number;
  readonly to: number;
  /** Of the page after it; empty on the last one. */
  tokenAfter(count: number): string;
}

/**
 * A page of a list that can be cut anywhere.
 * @param request - `pageSize` 0 means `sizeDefault`; more than 1000 means 1000.
 * @param question - The request's other fields: a token holds for one question only (AIP-158).
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` for a token that was not given for this question.
 */
export function pageOf(
  request: { readonly pageSize: number; readonly pageToken: string },
  sizeDefault: number,
  question: readonly unknown[],
): Page {
  const mark = createHash("sha256").update(JSON.stringify(question)).digest("hex").slice(0, 8);
  const from = startOf(request.pageToken, mark);
  const to = from + Math.min(request.pageSize || sizeDefault, PAGE_SIZE_MAX);
  return { from, to, tokenAfter: (count) => (to < count ? `${to}-${mark}` : "") };
}

function startOf(token: string, mark: string): number {
  if (token === "") return 0;
  const [, from, found] = /^(\d{1,6})-([0-9a-f]{8})$/.exec(token) ?? [];
  if (from !== undefined && found === mark) return Number(from);
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `page_token is "${token.slice(0, 20)}"; allowed is the next_page_token of the page before, with the same other fields`,
    { details: { field: "page_token" } },
  );
}
