import { Etcd3 } from "etcd3";
import type { IOptions, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse } from "etcd3";
import type { Clock } from "../../kernel/ports/clock.ts";
import { callWithin } from "./call-within.ts";
import type { Answer } from "./call-within.ts";
import { CLIENT_OPTIONS, targetOf } from "./rpc-options.ts";
import type { Endpoint } from "./rpc-options.ts";

type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

/**
 * etcd3 would repeat calls that failed and shut a member out for five seconds after a few. A transaction that is repeated
 * behind the caller's back may be applied after its refusal was reported, so nothing is handled here.
 */
const NO_POLICY = {
  onSuccess: () => ({ dispose: () => {} }),
  onFailure: () => ({ dispose: () => {} }),
  execute: async <T>(run: (context: { signal: AbortSignal }) => PromiseLike<T> | T) =>
    run({ signal: new AbortController().signal }),
} satisfies Omit<Policy, "_altReturn"> as unknown as Policy;

/** One member of the etcd cluster with its own client, so that a call goes where it is sent and nowhere else. */
export interface EtcdMember {
  readonly endpoint: string;
  readonly client: Etcd3;
  range(
    request: IRangeRequest,
    deadlineMs: number,
    done: (answer: Answer<IRangeResponse>) => void,
  ): void;
  txn(request: ITxnRequest, deadlineMs: number, done: (answer: Answer<ITxnResponse>) => void): void;
  /** Attaches `value` to `key` for `ttlS` seconds. */
  putWithLease(
    key: string,
    value: string,
    ttlS: number,
    deadlineMs: number,
    done: (answer: Answer<unknown>) => void,
  ): void;
  close(): void;
}

export function createEtcdMember(
  name: string,
  endpoint: Endpoint,
  clock: Clock,
  credentials: IOptions["credentials"],
): EtcdMember {
  const client = new Etcd3({
    hosts: `${credentials === undefined ? "http" : "https"}://${targetOf(endpoint)}`,
    ...(credentials === undefined ? {} : { credentials }),
    faultHandling: { host: () => NO_POLICY, global: NO_POLICY },
    grpcOptions: {
      ...CLIENT_OPTIONS,
      // etcd ends connections that ping more often than every five seconds.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 1000,
    },
  });

  /** gRPC's deadline ends the call itself; the answer does not wait for it. */
  function ask<T>(
    deadlineMs: number,
    start: (options: { deadline: number }) => Promise<T>,
    done: (answer: Answer<T>) => void,
  ): void {
    const result = start({ deadline: Date.now() + deadlineMs });
    callWithin(clock, deadlineMs, result, (answer) =>
      done(answer.isAnswered ? answer : { ...answer, reason: `${name}: ${answer.reason}` }),
    );
  }

  return {
    endpoint: name,
    client,
    range: (request, deadlineMs, done) =>
      ask(deadlineMs, (options) => client.kv.range(request, options), done),
    txn: (request, deadlineMs, done) =>
      ask(deadlineMs, (options) => client.kv.txn(request, options), done),
    putWithLease(key, value, ttlS, deadlineMs, done) {
      const put = async (options: { deadline: number }) => {
        const { ID: lease } = await client.leaseClient.leaseGrant({ TTL: ttlS }, options);
        const request = { key: Buffer.from(key), value: Buffer.from(value), lease };
        return client.kv.put(request, options);
      };
      ask<unknown>(deadlineMs, put, done);
    },
    close: () => client.close(),
  };
}
