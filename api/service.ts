/** Where a stream's messages go. Nothing waits without bound: who sends looks at `isReady` first, and goes on when `onReady` is called. */
export interface Sink<Response> {
  readonly isReady: boolean;
  send(message: Response): void;
  /** Set by who sends; called when the reader has taken what was sent. */
  onReady: () => void;
}

export interface UnaryMethod<Request, Response> {
  readonly type: "unary";
  /** @throws RemsError, which becomes a `google.rpc.Status`. */
  readonly answer: (request: Request) => Response | Promise<Response>;
}

export interface StreamMethod<Request, Response> {
  readonly type: "stream";
  /** @returns What ends it. */
  readonly start: (request: Request, sink: Sink<Response>) => () => void;
}

/** Methods of one service by name, in lower camel case: what gRPC and HTTP both answer from. */
export type Service = Readonly<
  Record<string, UnaryMethod<never, unknown> | StreamMethod<never, unknown>>
>;

export function unary<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): UnaryMethod<Request, Response> {
  return { type: "unary", answer };
}

export function stream<Request, Response>(
  start: (request: Request, sink: Sink<Response>) => () => void,
): StreamMethod<Request, Response> {
  return { type: "stream", start };
}
