import type { PeerMessage } from "../peer-message.ts";

/** Streams between nodes. Messages of one sender arrive in order or not at all; a broken stream loses what was under way. */
export interface PeerTransport {
  /** False where there is no stream to the node, or its buffer is full: the message is dropped. */
  send(toNode: string, message: PeerMessage): boolean;
  onMessage(handler: (fromNode: string, message: PeerMessage) => void): void;
  onConnectionChanged(handler: (node: string, isConnected: boolean) => void): void;
  isConnected(node: string): boolean;
  close(): Promise<void>;
}
