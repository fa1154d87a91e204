/** Asked before a frame that is not a read goes to the kernel: null lets it pass, a text is the reason why not. */
export type AdmitWrite = () => string | null;

export interface WireEvents {
  opened(): void;
  received(chunk: Uint8Array): void;
  /** The wire is gone, or did not come about. Told once. */
  died(reason: string): void;
  /** A frame was not sent because the gate refused it. */
  refused(reason: string): void;
}

/** A stream of bytes to devices, with the gate before the kernel: nothing but a read leaves without being admitted. */
export interface Wire {
  /** Hands a whole frame to the kernel, or nothing of it. */
  send(frame: Buffer): void;
  /**
   * Discards what the kernel has not sent yet and leaves the wire open. @returns False where it cannot: then the wire must be reset for
   * that.
   */
  discard(): boolean;
  /** Ends it at once: what the kernel still holds is not delivered. Tells nothing. */
  reset(): void;
  /** Calls `done` once nothing of it is left; after {@link Wire.reset}. */
  whenClosed(done: () => void): void;
}
