import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";
import type { Method } from "../../proto/method-definition.ts";

const REDIRECT_COUNT_MAX = 3;

/** What the node answered instead of a response. */
export class OperatorRefusal extends Error {
  override readonly name = "OperatorRefusal";
  readonly code: status;
  /** R-EMS's own code, such as `REMS_NOT_LEADER`, or the name of gRPC's. */
  readonly codeName: string;
  readonly leaderAddress: string;
  readonly address: string;

  constructor(error: ServiceError, address: string) {
    super(error.details, { cause: error });
    this.code = error.code;
    this.codeName = metadataText(error, "rems-code") || (status[error.code] ?? "UNKNOWN");
    this.leaderAddress = metadataText(error, "rems-leader-address");
    this.address = address;
  }

  /** True if nobody answered at all. */
  get isUnreachable(): boolean {
    return this.code === status.UNAVAILABLE || this.code === status.DEADLINE_EXCEEDED;
  }
}

/** A client of one node's operator service that follows the answer "not me, the leader is there". */
export class OperatorClient {
  #address: string;
  #client: Client;
  readonly #timeoutMs: number;

  constructor(address: string, timeoutMs: number) {
    this.#address = checkAddress(address);
    this.#client = new Client(address, credentials.createInsecure());
    this.#timeoutMs = timeoutMs;
  }

  get address(): string {
    return this.#address;
  }

  /** Calls the method here. @throws {@link OperatorRefusal} */
  call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + this.#timeoutMs };
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        options,
        (error, response) => {
          if (error === null && response !== undefined) resolve(response);
          else if (error !== null) reject(new OperatorRefusal(error, this.#address));
        },
      );
    });
  }

  /** Calls the method at the leader, wherever the nodes say that it is. @throws {@link OperatorRefusal} */
  async callLeader<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
  ): Promise<Response> {
    for (let count = 0; ; count++) {
      try {
        return await this.call(method, request);
      } catch (error) {
        const isElsewhere = error instanceof OperatorRefusal && error.leaderAddress !== "";
        if (!isElsewhere || count >= REDIRECT_COUNT_MAX) throw error;
        this.#client.close();
        this.#address = error.leaderAddress;
        this.#client = new Client(this.#address, credentials.createInsecure());
      }
    }
  }

  /** Reads a stream until it ends, or until `signal` is aborted. @throws {@link OperatorRefusal} */
  read<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    onMessage: (message: Response) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      const stream = this.#client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
      );
      signal.addEventListener("abort", () => stream.cancel());
      stream.on("data", onMessage);
      stream.on("end", resolve);
      stream.on("error", (error: ServiceError) => {
        if (signal.aborted) resolve();
        else reject(new OperatorRefusal(error, this.#address));
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

function metadataText(error: ServiceError, key: string): string {
  const value = error.metadata?.get(key)[0];
  return typeof value === "string" ? value : "";
}

function checkAddress(address: string): string {
  const port = Number(/^[^\s/]+:(\d{1,5})$/.exec(address)?.[1]);
  if (port >= 1 && port <= 65_535) return address;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `the address is "${address}"; allowed is host:port, such as 127.0.0.1:7401`,
  );
}
