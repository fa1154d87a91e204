import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import type { TraceLine } from "../support/trace-lines.ts";

/** A fault as it was carried out. */
export interface DoneFault {
  /** The machine's monotonic clock. */
  readonly atMs: number;
  /** When the cause was over: a process goes on, packets pass again. */
  readonly untilMs: number;
  readonly kind: string;
  /** What the launcher said. */
  readonly text: string;
  /** Nodes that it struck. */
  readonly nodes: readonly string[];
}

/** A frame in some node's journal. */
export interface JournalledFrame {
  readonly grid: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly hash: string;
  readonly previousHash: string;
}

export interface Evidence {
  /** Every write at a device, in the order of arrival. */
  readonly writes: readonly WriteEntry[];
  /** Steps of all nodes, in any order. */
  readonly trace: readonly TraceLine[];
  /** Frames of all journals. */
  readonly frames: readonly JournalledFrame[];
  readonly faults: readonly DoneFault[];
  readonly nodes: readonly string[];
}

/** A write of a former leader at a device that its successor had written. */
export interface LateWrite {
  readonly atMs: number;
  readonly grid: string;
  readonly device: string;
  readonly isFenced: boolean;
  readonly writer: string;
  readonly epoch: number;
  readonly successor: string;
  /** Since the successor's first write at that device. */
  readonly lateMs: number;
  /** Null where nothing that was done to the writer explains it. */
  readonly explanation: string | null;
}

export interface Leadership {
  readonly grid: string;
  readonly node: string;
  readonly epoch: number;
  readonly origin: string;
  readonly ledAtMs: number;
  /** First accepted write at any device of the grid; null where there was none. */
  readonly firstWriteAtMs: number | null;
}

export interface LostFrame {
  readonly grid: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly issuedBy: string;
  /** The first leadership without it. */
  readonly missingInEpoch: number;
  /** Section 4 allows that in takeovers by a controller that was not in sync; they raise an alarm. */
  readonly isAllowed: boolean;
}

export interface Verdict {
  readonly leaderships: readonly Leadership[];
  readonly writeCount: number;
  readonly refusedCount: number;
  readonly lateWrites: readonly LateWrite[];
  /** Accepted writes at a device with an epoch register that carry an older epoch than one before: the fence itself is broken. */
  readonly fenceBreachCount: number;
  /** Accepted writes under an epoch of which the writer had not yet issued a frame: outputs from nowhere. */
  readonly unissuedWriteCount: number;
  readonly issuedFrameCount: number;
  readonly lostFrames: readonly LostFrame[];
  readonly staleTakeoverCount: number;
  /** Epochs that two nodes led. */
  readonly sharedEpochs: readonly string[];
}

/** Origins of takeovers that may be without frames that were issued (rules 11 and 13). */
const MAY_LOSE: readonly string[] = ["stale", "cold"];
/** A lone leader's levels do not wait for the disk (rule 4): its restart may lack the frames of one sync. */
const UNSYNCED_MS_MAX = 150;

/** Judges a run by what the devices saw, what the nodes issued and what the journals hold: a pure function. */
export function judgeChaos(evidence: Evidence): Verdict {
  const leaderships = leadershipsOf(evidence);
  const accepted = evidence.writes.filter(
    ({ refusal, writer }) => refusal === null && evidence.nodes.includes(writer),
  );
  return {
    leaderships,
    writeCount: accepted.length,
    refusedCount: evidence.writes.filter(({ refusal }) => refusal !== null).length,
    lateWrites: lateWritesOf(accepted, leaderships, evidence.faults),
    fenceBreachCount: countFenceBreaches(accepted),
    unissuedWriteCount: countUnissued(accepted, evidence.trace),
    issuedFrameCount: evidence.trace.filter(({ step }) => step === "released").length,
    lostFrames: lostFramesOf(evidence, leaderships),
    staleTakeoverCount: leaderships.filter(({ origin }) => origin === "stale").length,
    sharedEpochs: sharedEpochsOf(leaderships),
  };
}

function leadershipsOf({ trace, writes }: Evidence): Leadership[] {
  const list: Leadership[] = [];
  for (const { step, grid, node, atMs, epoch = 0, origin = "" } of trace) {
    if (step !== "led") continue;
    list.push({ grid, node, epoch, origin, ledAtMs: atMs, firstWriteAtMs: null });
  }
  list.sort((a, b) => a.ledAtMs - b.ledAtMs);
  return list.map((one) => {
    const next = list.find((other) => other.grid === one.grid && other.ledAtMs > one.ledAtMs);
    const first = writes.find(
      (write) =>
        write.refusal === null &&
        write.grid === one.grid &&
        write.writer === one.node &&
        write.atMs >= one.ledAtMs &&
        write.atMs < (next?.ledAtMs ?? Infinity),
    );
    return { ...one, firstWriteAtMs: first?.atMs ?? null };
  });
}

function sharedEpochsOf(leaderships: readonly Leadership[]): string[] {
  const nodes = new Map<string, Set<string>>();
  for (const { grid, epoch, node } of leaderships) {
    const key = `${grid} epoch ${epoch}`;
    nodes.set(key, (nodes.get(key) ?? new Set()).add(node));
  }
  return [...nodes].filter(([, set]) => set.size > 1).map(([key]) => key);
}

/** The epoch under which a node wrote: the device's own word, else its newest leadership of the grid at that moment. */
function epochOf(write: WriteEntry, leaderships: readonly Leadership[]): number {
  if (write.epoch !== null) return write.epoch;
  const own = leaderships.findLast(
    ({ grid, node, ledAtMs }) =>
      grid === write.grid && node === write.writer && ledAtMs <= write.atMs,
  );
  return own?.epoch ?? 0;
}

function lateWritesOf(
  accepted: readonly WriteEntry[],
  leaderships: readonly Leadership[],
  faults: readonly DoneFault[],
): LateWrite[] {
  const late: LateWrite[] = [];
  /** By device: the highest epoch that wrote it, who that was, and when first. */
  const newest = new Map<string, { epoch: number; writer: string; firstMs: number }>();
  for (const write of accepted) {
    const epoch = epochOf(write, leaderships);
    const seen = newest.get(write.device);
    if (seen === undefined || epoch > seen.epoch) {
      newest.set(write.device, { epoch, writer: write.writer, firstMs: write.atMs });
      continue;
    }
    if (epoch === seen.epoch) continue;
    late.push({
      atMs: write.atMs,
      grid: write.grid,
      device: write.device,
      isFenced: write.isFenced,
      writer: write.writer,
      epoch,
      successor: seen.writer,
      lateMs: write.atMs - seen.firstMs,
      explanation: explain(write, faults),
    });
  }
  return late;
}

/** A process goes on, or its kernel delivers what it had, within this time. */
const SOON_MS = 1000;
/** After a cut of some seconds the kernel's next retransmission comes so late at most: its intervals double. */
const RETRANSMITTED_MS = 8000;

/** What explains a late write, and until when after it was over. Nothing else that may befall a node makes a write late. */
const REASONS: Readonly<Record<string, { readonly text: string; readonly forMs: number }>> = {
  freeze: {
    text: "was frozen between the check of its authority and the kernel's taking of the write",
    forMs: SOON_MS,
  },
  "cut-plant": {
    text: "had the write on the network that was cut, and it went on when that healed",
    forMs: RETRANSMITTED_MS,
  },
  kill: { text: "was killed with the write in the kernel already", forMs: SOON_MS },
  "kill-with-etcd": { text: "was killed with the write in the kernel already", forMs: SOON_MS },
  "kill-all": { text: "was killed with the write in the kernel already", forMs: SOON_MS },
  "power-cut": {
    text: "had the write on the wire when its power was cut",
    forMs: RETRANSMITTED_MS,
  },
};

function explain({ writer, atMs }: WriteEntry, faults: readonly DoneFault[]): string | null {
  for (const fault of faults.toReversed()) {
    const reason = REASONS[fault.kind];
    if (reason === undefined || !fault.nodes.includes(writer)) continue;
    if (fault.atMs <= atMs && atMs <= fault.untilMs + reason.forMs)
      return `${writer} ${reason.text}`;
  }
  return null;
}

function countFenceBreaches(accepted: readonly WriteEntry[]): number {
  const highest = new Map<string, number>();
  let count = 0;
  for (const { device, isFenced, epoch } of accepted) {
    if (!isFenced || epoch === null) continue;
    const before = highest.get(device) ?? 0;
    if (epoch < before) count++;
    highest.set(device, Math.max(before, epoch));
  }
  return count;
}

function countUnissued(accepted: readonly WriteEntry[], trace: readonly TraceLine[]): number {
  const firstIssued = new Map<string, number>();
  for (const { step, grid, node, epoch = 0, atMs } of trace) {
    if (step !== "released") continue;
    const key = `${grid} ${node} ${epoch}`;
    firstIssued.set(key, Math.min(firstIssued.get(key) ?? Infinity, atMs));
  }
  return accepted.filter(({ grid, writer, epoch, atMs }) => {
    if (epoch === null) return false;
    const issuedAtMs = firstIssued.get(`${grid} ${writer} ${epoch}`);
    return issuedAtMs === undefined || issuedAtMs > atMs;
  }).length;
}

/**
 * Every frame whose outputs were issued must be an ancestor of the first frame of every later epoch. Frames name their predecessor by
 * hash, so that the journals of all nodes together form a tree, whichever of them still holds a frame.
 */
function lostFramesOf(
  { trace, frames }: Evidence,
  leaderships: readonly Leadership[],
): LostFrame[] {
  const lost: LostFrame[] = [];
  for (const grid of new Set(leaderships.map((one) => one.grid))) {
    const byHash = new Map<string, JournalledFrame>();
    for (const frame of frames) if (frame.grid === grid) byHash.set(frame.hash, frame);
    const issued = trace.filter((line) => line.step === "released" && line.grid === grid);
    const lastIssuedMs = new Map<number, number>();
    for (const { epoch = 0, atMs } of issued)
      lastIssuedMs.set(epoch, Math.max(atMs, lastIssuedMs.get(epoch) ?? atMs));
    const epochs = firstFrames([...byHash.values()]);
    for (const first of epochs) {
      const chain = ancestorsOf(first, byHash);
      const leadership = leaderships.find((one) => one.grid === grid && one.epoch === first.epoch);
      for (const { epoch = 0, sequence = 0, hash = "", node, atMs } of issued) {
        if (epoch >= first.epoch || chain.hashes.has(hash)) continue;
        // Older than what the journals still hold on this branch: nothing can be said.
        if (sequence < chain.oldestSequence) continue;
        const isKnown = lost.some(
          (one) => one.grid === grid && one.epoch === epoch && one.sequence === sequence,
        );
        if (isKnown) continue;
        lost.push({
          grid,
          epoch,
          sequence,
          issuedBy: node,
          missingInEpoch: first.epoch,
          isAllowed:
            MAY_LOSE.includes(leadership?.origin ?? "") ||
            (leadership?.origin === "restart" &&
              leadership.node === node &&
              (lastIssuedMs.get(epoch) ?? Infinity) - atMs <= UNSYNCED_MS_MAX),
        });
      }
    }
  }
  return lost;
}

/** The first frame of each epoch, oldest epoch first. */
function firstFrames(frames: readonly JournalledFrame[]): JournalledFrame[] {
  const first = new Map<number, JournalledFrame>();
  for (const frame of frames) {
    const before = first.get(frame.epoch);
    if (before === undefined || frame.sequence < before.sequence) first.set(frame.epoch, frame);
  }
  return [...first.values()].sort((a, b) => a.epoch - b.epoch);
}

function ancestorsOf(
  first: JournalledFrame,
  byHash: ReadonlyMap<string, JournalledFrame>,
): { readonly hashes: ReadonlySet<string>; readonly oldestSequence: number } {
  const hashes = new Set<string>([first.previousHash]);
  let oldestSequence = first.sequence - 1;
  for (
    let frame = byHash.get(first.previousHash);
    frame !== undefined;
    frame = byHash.get(frame.previousHash)
  ) {
    hashes.add(frame.hash);
    hashes.add(frame.previousHash);
    oldestSequence = frame.sequence - 1;
  }
  return { hashes, oldestSequence };
}

export interface Check {
  readonly text: string;
  readonly found: string;
  readonly isMet: boolean;
}

/** What the run has to show. */
export function checksOf(verdict: Verdict): Check[] {
  const { lateWrites, lostFrames, fenceBreachCount, unissuedWriteCount, sharedEpochs } = verdict;
  const fenced = lateWrites.filter(({ isFenced }) => isFenced);
  const plain = lateWrites.filter(({ isFenced }) => !isFenced);
  const unexplained = plain.filter(({ explanation }) => explanation === null);
  const lost = lostFrames.filter(({ isAllowed }) => !isAllowed);
  const allowedCount = lostFrames.length - lost.length;
  return [
    {
      text: "accepted overlapping writes at devices that check epochs",
      found: `${fenced.length + fenceBreachCount}`,
      isMet: fenced.length + fenceBreachCount === 0,
    },
    {
      text: "late writes at plain devices that nothing explains",
      found: `${unexplained.length} of ${plain.length}`,
      isMet: unexplained.length === 0,
    },
    {
      text: "issued frames that a later leader lacks, outside stale takeovers",
      found: `${lost.length} of ${verdict.issuedFrameCount}${allowedCount > 0 ? `; ${allowedCount} in ${verdict.staleTakeoverCount} stale takeovers, and levels of lone leaders that restarted` : ""}`,
      isMet: lost.length === 0,
    },
    {
      text: "writes under an epoch that had issued nothing",
      found: `${unissuedWriteCount} of ${verdict.writeCount}`,
      isMet: unissuedWriteCount === 0,
    },
    {
      text: "epochs with two leaders",
      found: sharedEpochs.length === 0 ? "0" : sharedEpochs.join(", "),
      isMet: sharedEpochs.length === 0,
    },
  ];
}
