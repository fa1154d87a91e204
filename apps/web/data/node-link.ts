import { signal, type ReadonlySignal } from "@preact/signals";

/**
 * The way to the installation: one of its nodes, and where that one dies the next. Which nodes there are is told by whichever answers,
 * and kept for the next time this page is opened.
 */

/** Of the node that this page came from; while developing, the server in between. */
const OWN = location.origin;
const KEPT = "r-ems.nodes";
const REQUEST_MS_MAX = 8000;
/** A look at a device, or opening a recording, takes its time. */
const SEND_MS_MAX = 70_000;
const RETRY_MS = 400;

export class RequestError extends Error {
  override readonly name = "RequestError";
  /** HTTP status; 0 where no node answered. */
  readonly status: number;
  /** Of R-EMS, such as `REMS_NOT_LEADER`; empty where there is none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const bases: string[] = [OWN, ...kept()].filter((one, at, all) => all.indexOf(one) === at);
const chosen = signal(bases[0] ?? OWN);
const answering = signal(true);
const lost = signal(0);

/** The recording that is looked at instead of the present, by its name; empty: the present. */
export const replayed = signal("");
/** Where in the recording, UTC, ms; 0 until that is known. */
export const replayAtMs = signal(0);
/** What a recording answers nothing about. */
const OF_THE_PRESENT = /^\/api\/v1\/history\//;

/** The node that hands out the recording. */
let present = OWN;

/** Everything that is asked from now on is asked of a recording of the node that is asked now. */
export function lookAtRecording(name: string, prefix: string): void {
  if (replayed.value === "") present = chosen.value;
  replayed.value = name;
  replayAtMs.value = 0;
  chosen.value = present + prefix;
}

/** Everything is asked of the present again. @returns The node that handed out the recording. */
export function lookAtPresent(): string {
  replayed.value = "";
  chosen.value = present;
  return present;
}

/** Address of the node that is asked now. */
export const base: ReadonlySignal<string> = chosen;
/** False while no node answers. */
export const isConnected: ReadonlySignal<boolean> = answering;
/** When the last one fell silent, ms of this computer's clock. */
export const lostAtMs: ReadonlySignal<number> = lost;

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string").slice(0, 32) : [];
  } catch {
    return [];
  }
}

/** @param address - `host:port` of a node's HTTP. A page opened as "localhost" goes on asking "localhost". */
export function originOf(address: string): string {
  const { protocol, hostname } = location;
  return `${protocol}//${hostname === "localhost" ? address.replace(/^127\.0\.0\.1:/, "localhost:") : address}`;
}

/** @param addresses - `host:port` of every node's HTTP. */
export function learnNodes(addresses: readonly string[]): void {
  for (const origin of addresses.filter(Boolean).map(originOf)) {
    if (!bases.includes(origin)) bases.push(origin);
  }
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(bases.slice(1)));
  } catch {
    // Private windows may refuse storage: then only a reload forgets.
  }
}

/** Goes on to the next node. */
export function moveOn(from: string): void {
  if (chosen.value !== from || replayed.value !== "") return;
  chosen.value = bases[(bases.indexOf(from) + 1) % bases.length] ?? OWN;
}

export function tellAnswered(isAnswering: boolean): void {
  if (!isAnswering && answering.value) lost.value = Date.now();
  answering.value = isAnswering;
}

/**
 * Asks a node and gives what it answers.
 * @param at - Another node than the chosen one.
 * @param timeoutMs - Longer for what takes a node its time.
 * @throws {@link RequestError} with what the node said, or that none answers.
 */
export async function request<T>(
  path: string,
  body?: unknown,
  at?: string,
  timeoutMs = REQUEST_MS_MAX,
): Promise<T> {
  if (replayed.value !== "" && at === undefined && OF_THE_PRESENT.test(path)) {
    const text = "a recording has no history: move through it with the slider above";
    throw new RequestError(404, "REMS_NOT_FOUND", text);
  }
  for (let attempt = 0; ; attempt++) {
    const origin = at ?? chosen.value;
    let response: Response;
    try {
      response = await fetch(origin + path, optionsOf(body, timeoutMs));
    } catch {
      if (at === undefined) moveOn(origin);
      // What changes something is not sent twice by itself: whoever sent it sees that it may have arrived.
      if (body === undefined && at === undefined && attempt < bases.length) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      const text =
        body === undefined
          ? "no node of the installation answers"
          : "the node did not answer; whether the request arrived is not known";
      throw new RequestError(0, "", text);
    }
    if (response.ok) return (await response.json()) as T;
    throw await errorOf(response);
  }
}

/**
 * Asks one node, and no other: the one that this page came from unless another is named. Setup and recordings are its own.
 * @throws {@link RequestError} as {@link request}.
 */
export async function send<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  origin = OWN,
): Promise<T> {
  let response: Response;
  try {
    // What changes something is JSON, also where there is nothing to say.
    const options = optionsOf(method === "GET" ? undefined : (body ?? {}), SEND_MS_MAX);
    response = await fetch(origin + path, { ...options, method });
  } catch {
    throw new RequestError(0, "", "the node does not answer");
  }
  if (!response.ok) throw await errorOf(response);
  return (response.status === 204 ? {} : await response.json()) as T;
}

function optionsOf(body: unknown, timeoutMs: number): RequestInit {
  const signal = AbortSignal.timeout(timeoutMs);
  if (body === undefined) return { signal };
  const headers = { "content-type": "application/json" };
  return { signal, method: "POST", headers, body: JSON.stringify(body) };
}

/** Errors are `google.rpc.Status` in JSON; anything else is named by its HTTP status. */
async function errorOf(response: Response): Promise<RequestError> {
  const found: unknown = await response.json().catch(() => null);
  const outer = record(found);
  const error = record(outer["error"] ?? outer);
  const text = typeof error["message"] === "string" ? error["message"] : response.statusText;
  const code = /\[?(REMS_[A-Z_]+)\]?/.exec(JSON.stringify(found))?.[1] ?? "";
  return new RequestError(response.status, code, text.replace(/ \[REMS_\w+\]$/, ""));
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
