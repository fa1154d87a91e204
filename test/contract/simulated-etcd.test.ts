import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EtcdMembers } from "../../apps/launcher/etcd-members.ts";
import { createEtcdCoordinator } from "../../cluster/node/etcd-coordinator.ts";
import { NO_LOG } from "../../cluster/node/node-log.ts";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import type {
  Coordinator,
  ReadOutcome,
  RecordTransaction,
  TransactionOutcome,
} from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { createMemoryCoordinator } from "../../sim/ports/memory-coordinator.ts";
import type { SeededRandom } from "../../sim/ports/seeded-random.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";
import { read, recordOf, transact } from "../support/coordinator-calls.ts";
import { startEtcdCluster } from "../support/etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

const GRIDS = ["port", "starboard"];
const OPERATION_COUNT = 400;
/** An operation that a lost leader or a slow machine leaves without an answer is asked so often at most. */
const TRY_COUNT_MAX = 100;

interface Store {
  readonly clients: readonly Coordinator[];
  readonly until: (what: string, isSo: () => boolean) => Promise<void>;
}

/** What a store knows of a grid, as an operation needs it; the two stores count revisions from different numbers. */
interface Known {
  revision: number;
  readonly older: number[];
}

/** One random operation: whom it asks, and what it expects to find there. */
interface Operation {
  readonly client: number;
  readonly grid: string;
  readonly kind: "read" | "transact" | "race";
  readonly revision: "right" | "older" | "absent" | "other grid" | "ahead";
  readonly nonce: "right" | "older" | "none";
  readonly record: LeadershipRecord;
}

function draw(random: SeededRandom, index: number): Operation {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  return {
    client: Math.floor(random.next() * 2),
    grid: pick(GRIDS),
    kind: pick(["read", "transact", "transact", "transact", "race"] as const),
    revision: pick([
      "right",
      "right",
      "right",
      "right",
      "older",
      "absent",
      "other grid",
      "ahead",
    ] as const),
    nonce: pick(["right", "right", "right", "right", "older", "none"] as const),
    record: recordOf(index + 1),
  };
}

type Outcome = ReadOutcome | TransactionOutcome;
type Until = Pick<Store, "until">;

/** What a read finds. One without an answer says nothing about the store, only about the moment: it is repeated. */
async function settledRead(bench: Until, client: Coordinator, grid: string): Promise<Outcome> {
  for (let count = 1; ; count++) {
    const outcome = await read(bench, client, 1000, grid);
    if (outcome.type === "read") return outcome;
    expect(count, `a read is answered (${outcome.reason})`).toBeLessThan(TRY_COUNT_MAX);
  }
}

/**
 * What became of a transaction. One of unknown outcome is repeated unchanged: applied now, or refused because the first one
 * had been applied (the record carries its nonce, which no other operation uses), or refused as the first one was.
 */
async function settle(
  bench: Until,
  client: Coordinator,
  request: RecordTransaction,
  first: TransactionOutcome,
): Promise<TransactionOutcome> {
  let outcome = first;
  for (let count = 1; outcome.type === "unknown"; count++) {
    expect(count, `a transaction is answered (${outcome.reason})`).toBeLessThan(TRY_COUNT_MAX);
    outcome = await transact(bench, client, request);
    if (outcome.type === "refused" && outcome.record?.nonce === request.record.nonce)
      return { type: "applied", revision: outcome.revision };
  }
  return outcome;
}

/** Runs the operations on one store and tells what came of each, revisions by the order in which they came up. */
async function run(
  { clients, until }: Store,
  operations: readonly Operation[],
  between: (index: number) => Promise<void>,
): Promise<readonly unknown[]> {
  const known = new Map<string, Known>(GRIDS.map((grid) => [grid, { revision: 0, older: [] }]));
  const nonces = new Map<string, (string | null)[]>(GRIDS.map((grid) => [grid, [null]]));
  const ranks: number[] = [0];
  const rankOf = (revision: number): number => {
    if (!ranks.includes(revision)) ranks.push(revision);
    expect(ranks, "revisions only grow").toEqual([...ranks].sort((a, b) => a - b));
    return ranks.indexOf(revision);
  };
  const told = (outcome: Outcome): unknown =>
    "revision" in outcome ? { ...outcome, revision: rankOf(outcome.revision) } : outcome.type;
  const results: unknown[] = [];
  for (const [index, operation] of operations.entries()) {
    await between(index);
    const { grid, record } = operation;
    const here = known.get(grid) as Known;
    const there = known.get(GRIDS.find((other) => other !== grid) ?? "") as Known;
    const own = nonces.get(grid) ?? [];
    const client = clients[operation.client] as Coordinator;
    if (operation.kind === "read") {
      results.push([index, told(await settledRead({ until }, client, grid))]);
      continue;
    }
    const revisions = {
      right: here.revision,
      older: here.older.at(-1) ?? here.revision,
      absent: 0,
      "other grid": there.revision,
      ahead: here.revision + 1,
    };
    const expectedNonces = { right: own.at(-1) ?? null, older: own.at(-2) ?? null, none: null };
    const request = {
      grid,
      expectedRevision: revisions[operation.revision],
      expectedNonce: expectedNonces[operation.nonce],
      record,
    };
    const isRace = operation.kind === "race";
    const rival = { ...request, record: { ...record, nonce: `${record.nonce.slice(0, -1)}f` } };
    const calls = [{ client, request }];
    if (isRace)
      calls.push({ client: clients[1 - operation.client] as Coordinator, request: rival });
    const firsts = await Promise.all(
      calls.map((call) => transact({ until }, call.client, call.request)),
    );
    const outcomes: TransactionOutcome[] = [];
    for (const [n, call] of calls.entries()) {
      const first = firsts[n] as TransactionOutcome;
      outcomes.push(await settle({ until }, call.client, call.request, first));
    }
    const won = outcomes.findIndex(({ type }) => type === "applied");
    const applied = outcomes[won];
    if (applied?.type === "applied") {
      here.older.push(here.revision);
      here.revision = applied.revision;
      own.push(won === 0 ? record.nonce : rival.record.nonce);
      nonces.set(grid, own);
    }
    // Who wins a race is chance; that exactly one does, or none, is not.
    const outcome = isRace
      ? outcomes.map(({ type }) => type).sort()
      : told(applied ?? (outcomes[0] as Outcome));
    results.push([index, outcome]);
    if (isRace && applied !== undefined) {
      // The stores go on from the same record, whoever won.
      const expectedNonce = own.at(-1) ?? null;
      const levelled = { grid, expectedRevision: here.revision, expectedNonce, record };
      const first = await transact({ until }, client, levelled);
      const outcome = await settle({ until }, client, levelled, first);
      results.push([index, told(outcome)]);
      if (outcome.type === "applied") here.revision = outcome.revision;
      own[own.length - 1] = record.nonce;
      rankOf(here.revision);
    }
  }
  return results;
}

describe("the simulated etcd", () => {
  let members: EtcdMembers;
  beforeAll(async () => {
    members = await startEtcdCluster();
  });
  afterAll(() => members.stop());

  it.each([1, 2])(
    "gives the same outcomes as the real one, operation by operation, also while a member is down (seed %i)",
    async (seed) => {
      const random = createSeededRandom(`etcd/${seed}`);
      const operations = Array.from({ length: OPERATION_COUNT }, (_, index) => draw(random, index));
      const [downAt, upAt] = [OPERATION_COUNT / 4, OPERATION_COUNT / 2];

      const clients = [0, 1].map(() =>
        createEtcdCoordinator({
          installation: `same${seed}`,
          endpoints: members.endpoints,
          clock: createSystemClock(),
          log: NO_LOG,
        }),
      );
      const answers = (client: Coordinator) =>
        eventually("a majority answers", () => {
          client.read("port", 200, (outcome) => (seen = outcome.type));
          return seen === "read";
        });
      let seen = "";
      await Promise.all(clients.map(answers));
      const real = await run({ clients, until: eventually }, operations, async (index) => {
        if (index === downAt) members.kill(0);
        if (index === upAt) await members.restart(0);
        if (index !== downAt && index !== upAt) return;
        for (const client of clients) {
          seen = "";
          await answers(client);
        }
      });
      for (const client of clients) await client.close();

      const clock = createVirtualClock();
      const store = createMemoryCoordinator({
        clock,
        memberCount: 3,
        random: random.fork("store"),
      });
      const until = async (what: string, isSo: () => boolean) => {
        for (let ms = 0; ms < 20_000 && !isSo(); ms++) clock.advanceBy(1);
        expect(isSo(), what).toBe(true);
        await Promise.resolve();
      };
      const simulatedClients = ["n1", "n2"].map((node) => store.client(node));
      const simulated = await run(
        { clients: simulatedClients, until },
        operations,
        async (index) => {
          if (index === downAt) store.setMember(0, false);
          if (index === upAt) store.setMember(0, true);
          if (index !== downAt && index !== upAt) return;
          for (const client of simulatedClients) {
            for (let type = ""; type !== "read";) ({ type } = await read({ until }, client, 200));
          }
        },
      );
      const at = real.findIndex(
        (outcome, n) => JSON.stringify(outcome) !== JSON.stringify(simulated[n]),
      );
      expect(simulated[at], `operation ${JSON.stringify(real[at])}`).toEqual(real[at]);
      expect(simulated).toEqual(real);
      const types = new Set(JSON.stringify(real).match(/"(?:applied|refused|read)"/g));
      expect([...types].sort()).toEqual(['"applied"', '"read"', '"refused"']);
    },
    120_000,
  );
});
