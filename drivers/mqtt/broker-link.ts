import { MqttClient } from "mqtt";
import { assert } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { Random } from "../../kernel/ports/random.ts";
import type { Dial } from "../driver-options.ts";
import type { BrokerAccess } from "./broker-access.ts";
import { GatedMqttStream } from "./packet-gate.ts";
import { PAYLOAD_BYTES_MAX } from "./payload.ts";

/** How one publication ended. */
export type PublishOutcome =
  | { readonly type: "acknowledged" }
  /** Never sent. */
  | { readonly type: "dropped"; readonly reason: string }
  /** Nobody can tell whether the device got it. */
  | { readonly type: "unknown"; readonly reason: string };

interface LinkEvents {
  /** Connected, and every topic is subscribed. */
  connected(): void;
  lost(reason: string): void;
  message(topic: string, payload: string): void;
  /** The publication has ended and the next may begin. */
  freed(): void;
}

interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly access: BrokerAccess;
  readonly topics: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: Dial;
  readonly timeoutMs: number;
}

interface Publication {
  readonly admit: () => string | null;
  readonly done: (outcome: PublishOutcome) => void;
  timer: Timer | null;
  isSent: boolean;
}

/** Return code of a subscription that the broker refuses (MQTT 3.1.1, section 3.9.3). */
const REFUSED = 0x80;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2000;
/** Whole seconds are what the protocol has: a broker that fell silent is noticed within two. */
const KEEPALIVE_S = 1;

/**
 * The connection to one broker, one publication at a time. A client lives as long as its connection: what it had under way is never sent
 * again by itself, and nothing is kept for later.
 */
export class BrokerLink {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #client: MqttClient | null = null;
  #socket: GatedMqttStream | null = null;
  #publication: Publication | null = null;
  #retryTimer: Timer | null = null;
  #connectTimer: Timer | null = null;
  #failureCount = 0;
  #isOpen = false;
  #isWanted = false;
  /** Time that the broker took to confirm the subscriptions, ms; null before. */
  roundTripMs: number | null = null;
  requestCount = 0;
  timeoutCount = 0;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isFree(): boolean {
    return this.#isOpen && this.#publication === null;
  }

  get isPublishing(): boolean {
    return this.#publication !== null;
  }

  /** Connects, and again after each loss, until `rest`. */
  want(): void {
    this.#isWanted = true;
    if (this.#client === null && this.#retryTimer === null) this.#connect();
  }

  /** Closes the connection until it is wanted again. */
  rest(reason: string): void {
    this.#isWanted = false;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.reset(reason);
  }

  /** Closes so that the kernel delivers nothing more. */
  reset(reason: string): void {
    if (this.#client !== null) this.#died(this.#client, reason);
  }

  /**
   * @param timeoutMs - The connection is reset where the broker takes longer, so that it cannot be delivered late.
   * @param admit - Asked as the packet goes to the kernel; a text is the reason why it must not.
   */
  publish(
    topic: string,
    payload: string,
    timeoutMs: number,
    admit: () => string | null,
    done: (outcome: PublishOutcome) => void,
  ): void {
    const client = this.#client;
    assert(client !== null && this.isFree, "one publication at a time, on an open connection");
    const publication: Publication = { admit, done, timer: null, isSent: false };
    this.#publication = publication;
    this.requestCount++;
    const { clock } = this.#options;
    publication.timer = clock.at(clock.monotonicMs() + timeoutMs, () => {
      if (publication !== this.#publication) return;
      this.timeoutCount++;
      this.#died(client, "a publication was not acknowledged in time");
    });
    // Never retained: a set-point must not reach a device that comes back when nobody leads any more.
    client.publish(topic, payload, { qos: 1, retain: false }, (error) => {
      if (publication !== this.#publication) return;
      if (error) this.#died(client, error.message);
      else this.#end({ type: "acknowledged" });
    });
  }

  close(done: () => void): void {
    const socket = this.#socket;
    this.rest("closed by us");
    if (socket === null || socket.closed) done();
    else socket.once("close", () => done());
  }

  #connect(): void {
    const { host, port, clock, dial, timeoutMs, clientId, random, access } = this.#options;
    const socket = new GatedMqttStream(
      dial(host, port),
      access.tls,
      () => this.#admit(),
      (reason) => this.reset(reason),
    );
    const client = new MqttClient(() => socket, {
      ...access.login,
      clientId: `${clientId}-${Math.floor(random.next() * 1e9)}`,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      keepalive: KEEPALIVE_S,
      queueQoSZero: false,
      resubscribe: false,
      connectTimeout: timeoutMs,
    });
    this.#client = client;
    this.#socket = socket;
    const died = (reason: string): void => this.#died(client, reason);
    this.#connectTimer = clock.at(clock.monotonicMs() + timeoutMs, () =>
      died(`no connection within ${timeoutMs} ms`),
    );
    client.on("error", (error) => died(error.message));
    client.on("close", () => died("closed by the broker"));
    client.on("offline", () => died("the broker does not answer"));
    socket.on("error", (error: NodeJS.ErrnoException) => died(error.code ?? error.message));
    client.on("message", (topic, payload) => {
      if (client !== this.#client || payload.length > PAYLOAD_BYTES_MAX) return;
      this.#events.message(topic, payload.toString("utf8"));
    });
    client.on("connect", () => this.#subscribe(client));
  }

  #subscribe(client: MqttClient): void {
    if (client !== this.#client) return;
    const { clock, topics } = this.#options;
    const startedMs = clock.monotonicMs();
    this.requestCount++;
    client.subscribe([...topics], { qos: 1 }, (error, granted) => {
      if (client !== this.#client) return;
      const refused = granted?.find(({ qos }) => qos === REFUSED);
      if (error || refused) {
        this.#died(client, error?.message ?? `the broker refuses the topic ${refused?.topic}`);
        return;
      }
      this.#connectTimer?.cancel();
      this.#connectTimer = null;
      this.roundTripMs = clock.monotonicMs() - startedMs;
      this.#failureCount = 0;
      this.#isOpen = true;
      this.#events.connected();
    });
  }

  #admit(): string | null {
    const publication = this.#publication;
    if (publication === null || publication.isSent) return "no publication was asked for";
    const reason = publication.admit();
    publication.isSent = reason === null;
    return reason;
  }

  #end(outcome: PublishOutcome): void {
    const publication = this.#publication;
    this.#publication = null;
    publication?.timer?.cancel();
    publication?.done(outcome);
    if (this.isFree) this.#events.freed();
  }

  /** Also where the gate refused: the client believes that the packet was sent, and is of no use any more. */
  #died(client: MqttClient, reason: string): void {
    if (client !== this.#client) return;
    const socket = this.#socket;
    this.#client = null;
    this.#socket = null;
    this.#isOpen = false;
    this.#connectTimer?.cancel();
    this.#connectTimer = null;
    client.end(true);
    socket?.reset();
    const isSent = this.#publication?.isSent === true;
    if (this.#publication !== null) this.#end({ type: isSent ? "unknown" : "dropped", reason });
    this.#events.lost(reason);
    if (this.#isWanted) this.#retryLater();
  }

  /** Doubles from 50 ms to 2 s, with jitter. */
  #retryLater(): void {
    const { clock, random } = this.#options;
    const doubled = RECONNECT_MS_MIN * 2 ** Math.min(this.#failureCount, 16);
    const delayMs = Math.min(doubled, RECONNECT_MS_MAX) * (0.5 + 0.5 * random.next());
    this.#failureCount++;
    this.#retryTimer = clock.at(clock.monotonicMs() + delayMs, () => {
      this.#retryTimer = null;
      if (this.#isWanted && this.#client === null) this.#connect();
    });
  }
}
