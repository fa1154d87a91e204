import type { Socket } from "node:net";
import type { ServerLink } from "../../drivers/modbus-server/modbus-server.ts";

/**
 * `up`: traffic flows. `held`: as a cut network: nothing is read or sent, what is under way waits for the heal. `dropped`: as a
 * power cut: nothing is read or sent, and what is under way is never acted upon.
 */
export type LinkState = "up" | "held" | "dropped";

/**
 * All connections of one writer (a node) to the simulated devices. While it is cut its sockets are neither read nor written, so
 * that no FIN, no RST and no answer goes out.
 */
export class NodeLink implements ServerLink {
  /** Node id, or `tool:<port>` for whoever uses a public port. */
  readonly writer: string;
  #state: LinkState = "up";
  readonly #sockets = new Set<Socket>();
  /** Connections that lived through a power cut: whatever they hold is void. */
  readonly #void = new Set<Socket>();
  /** Answers that were ready when the link was cut. */
  #heldAnswers: { readonly socket: Socket; readonly bytes: Buffer }[] = [];

  constructor(writer: string) {
    this.writer = writer;
  }

  get state(): LinkState {
    return this.#state;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#void.delete(socket);
    });
    if (this.#state === "up") return;
    socket.pause();
    if (this.#state === "dropped") this.#void.add(socket);
  }

  cut(state: "held" | "dropped"): void {
    this.#state = state;
    for (const socket of this.#sockets) {
      socket.pause();
      if (state === "dropped") this.#void.add(socket);
    }
    if (state === "dropped") this.#heldAnswers = [];
  }

  heal(): void {
    this.#state = "up";
    for (const socket of this.#void) socket.resetAndDestroy();
    this.#void.clear();
    for (const { socket, bytes } of this.#heldAnswers) if (!socket.destroyed) socket.write(bytes);
    this.#heldAnswers = [];
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resume();
  }

  /** Sends an answer, or keeps it for the heal. */
  send(socket: Socket, bytes: Buffer): void {
    if (socket.destroyed || this.#void.has(socket)) return;
    if (this.#state === "up") socket.write(bytes);
    // At most one answer per connection is under way while it is cut: nothing further is read.
    else if (this.#state === "held") this.#heldAnswers.push({ socket, bytes });
  }
}
