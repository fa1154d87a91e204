import type { Etcd3 } from "etcd3";

export interface LeaseLoopOptions {
  readonly client: Etcd3;
  readonly key: string;
  readonly holder: string;
  /** A record that nobody renewed for so long, by the observer's own clock, may be taken. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long gives up. */
  readonly renewMs: number;
  readonly retryMs: number;
  readonly onLeading: (isLeading: boolean) => void;
  /** The record was seen for the first time: this node takes part. */
  readonly onReady: () => void;
}

interface LeaseRecord {
  readonly holder: string;
  readonly renewedAtMs: number;
}

/** As Kubernetes has it: candidates wait up to 2.2 retry periods, so that they do not come all at once. */
const JITTER = 1.2;

/**
 * A leader election by lease object in the manner of Kubernetes' client-go (`tools/leaderelection`): everyone looks at one record every
 * `retryMs`; who holds it renews it, who sees it unchanged for `leaseMs` takes it by compare-and-set. No watch, no lease of etcd.
 */
export class LeaseLoop {
  readonly #options: LeaseLoopOptions;
  #seen = "";
  #seenAtMs = 0;
  #revision = "0";

  constructor(options: LeaseLoopOptions) {
    this.#options = options;
  }

  async run(): Promise<never> {
    const { retryMs, onReady } = this.#options;
    let isReady = false;
    for (;;) {
      const isHeld = await this.#tryAcquireOrRenew();
      if (!isReady) onReady();
      isReady = true;
      if (isHeld) await this.#lead();
      else await delay(retryMs * (1 + Math.random() * JITTER));
    }
  }

  async #lead(): Promise<void> {
    const { retryMs, renewMs, onLeading } = this.#options;
    onLeading(true);
    let renewedAtMs = performance.now();
    while (performance.now() - renewedAtMs < renewMs) {
      await delay(retryMs);
      const rest = Math.max(1, renewMs - (performance.now() - renewedAtMs));
      const isHeld = await Promise.race([this.#tryAcquireOrRenew(), delay(rest).then(() => false)]);
      if (isHeld) renewedAtMs = performance.now();
    }
    onLeading(false);
  }

  async #tryAcquireOrRenew(): Promise<boolean> {
    const { client, key, holder, leaseMs } = this.#options;
    try {
      const { kvs } = await client.get(key).exec();
      const text = kvs[0]?.value.toString() ?? "";
      const nowMs = performance.now();
      if (text !== this.#seen) {
        this.#seen = text;
        this.#seenAtMs = nowMs;
      }
      this.#revision = kvs[0]?.mod_revision ?? "0";
      const record = text === "" ? null : (JSON.parse(text) as LeaseRecord);
      const isForeign = record !== null && record.holder !== holder;
      if (isForeign && nowMs - this.#seenAtMs < leaseMs) return false;
      const next = JSON.stringify({ holder, renewedAtMs: Date.now() } satisfies LeaseRecord);
      const { succeeded } = await client
        .if(key, "Mod", "==", Number(this.#revision))
        .then(client.put(key).value(next))
        .commit();
      if (!succeeded) return false;
      this.#seen = next;
      this.#seenAtMs = performance.now();
      return true;
    } catch {
      return false;
    }
  }
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
