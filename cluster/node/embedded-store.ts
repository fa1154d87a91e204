import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { RecordTransaction } from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { decodeRecord, encodeRecord } from "../../proto/record-codec.ts";
import { RecordFile } from "./record-file.ts";

/** A record with the revision of its last change; revision 0 and null where there is none. */
export interface StoredRecord {
  readonly revision: number;
  readonly record: LeadershipRecord | null;
}

export interface TransactionResult {
  readonly isApplied: boolean;
  /** What stands there afterwards. */
  readonly stored: StoredRecord;
}

/** The records of one installation in one file. One process owns it; calls take effect one after the other. */
export interface EmbeddedStore {
  read(grid: string): Promise<StoredRecord>;
  /** Resolves once the outcome is on disk. @throws RemsError `REMS_COORDINATOR_UNAVAILABLE`: it may be, or not. */
  transact(request: RecordTransaction): Promise<TransactionResult>;
  /** Called after every change of the grid's record. Returns the cancellation. */
  watch(grid: string, changed: () => void): () => void;
  announce(node: string, value: string): void;
  presence(): ReadonlyMap<string, string>;
}

interface Content {
  readonly revision: number;
  readonly records: ReadonlyMap<string, StoredRecord>;
}

/** Calls that wait for the disk at most; more are refused. */
const WAITING_COUNT_MAX = 1000;

/**
 * Opens the store, or begins a new one where the file is absent.
 * @throws {@link RemsError} `REMS_RECORD_INVALID` if the file holds something else; it is left as it is.
 */
export async function openEmbeddedStore(file: string): Promise<EmbeddedStore> {
  await mkdir(dirname(file), { recursive: true });
  const disk = new RecordFile(file);
  let content = await load(file, disk);
  /** True after a write that failed half-way: the file knows what is in force, this object does not. */
  let isStale = false;
  let waitingCount = 0;
  let tail: Promise<unknown> = Promise.resolve();
  const watches = new Map<string, Set<() => void>>();
  const presence = new Map<string, string>();

  /** Runs after everything that was asked before: the order of calls is the order of effects. */
  function inOrder<T>(act: () => Promise<T>): Promise<T> {
    if (waitingCount >= WAITING_COUNT_MAX) {
      const message = `${WAITING_COUNT_MAX} calls wait for the disk already`;
      return Promise.reject(new RemsError("REMS_COORDINATOR_UNAVAILABLE", message));
    }
    waitingCount += 1;
    const run = async () => {
      try {
        if (isStale) content = await load(file, disk);
        isStale = false;
        return await act();
      } catch (cause) {
        const message = `the embedded coordinator's file ${file} failed`;
        throw new RemsError("REMS_COORDINATOR_UNAVAILABLE", message, { cause });
      } finally {
        waitingCount -= 1;
      }
    };
    const result = tail.then(run);
    tail = result.catch(() => {});
    return result;
  }

  const storedOf = (grid: string): StoredRecord =>
    content.records.get(grid) ?? { revision: 0, record: null };

  async function transact(request: RecordTransaction): Promise<TransactionResult> {
    const { grid, expectedRevision, expectedNonce, record } = request;
    const stored = storedOf(grid);
    const isExpected =
      stored.revision === expectedRevision && (stored.record?.nonce ?? null) === expectedNonce;
    if (!isExpected) return { isApplied: false, stored };
    const revision = content.revision + 1;
    const written = { revision, record };
    const next = { revision, records: new Map(content.records).set(grid, written) };
    isStale = true;
    await disk.save(textOf(next));
    isStale = false;
    content = next;
    for (const changed of watches.get(grid) ?? []) changed();
    return { isApplied: true, stored: written };
  }

  return {
    read: (grid) => inOrder(() => Promise.resolve(storedOf(grid))),
    transact: (request) => inOrder(() => transact(request)),
    watch(grid, changed) {
      const handlers = watches.get(grid) ?? new Set();
      watches.set(grid, handlers.add(changed));
      return () => void handlers.delete(changed);
    },
    announce: (node, value) => void presence.set(node, value),
    presence: () => presence,
  };
}

async function load(file: string, disk: RecordFile): Promise<Content> {
  try {
    const text = await disk.load();
    return text === null ? { revision: 0, records: new Map() } : parse(text);
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) throw cause;
    const message = `${file} is not a coordinator's file; move it away to begin anew`;
    throw new RemsError("REMS_RECORD_INVALID", message, { cause, details: { file } });
  }
}

function parse(text: string): Content {
  const value: unknown = JSON.parse(text);
  const { revision, records: entries } = { revision: null, records: null, ...(value as object) };
  if (!isRevision(revision) || !Array.isArray(entries)) {
    throw new RemsError("REMS_RECORD_INVALID", "revision or records are missing");
  }
  const records = new Map<string, StoredRecord>();
  for (const entry of entries as unknown[]) {
    const [grid, changedAt, record] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof grid !== "string" || !isRevision(changedAt) || typeof record !== "string") {
      throw new RemsError("REMS_RECORD_INVALID", "an entry is not [grid, revision, record]");
    }
    records.set(grid, { revision: changedAt, record: decodeRecord(record) });
  }
  return { revision, records };
}

function isRevision(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function textOf(content: Content): string {
  const records = [...content.records].map(([grid, { revision, record }]) => [
    grid,
    revision,
    record === null ? "" : encodeRecord(record),
  ]);
  return `${encodeCanonical({ revision: content.revision, records })}\n`;
}
