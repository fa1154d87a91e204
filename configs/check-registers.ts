import type { KindSpec } from "../kernel/device-kinds.ts";
import type { ConfigPath, Report } from "./problem.ts";
import type { ProfileFile } from "./profile-schema.ts";
import type { RegisterTable, RegisterType } from "./profile.ts";

/** Registers (or bits) of one table that belong to one thing. */
interface Span {
  readonly path: ConfigPath;
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
  /** Bit of a register where only that belongs to it. */
  readonly bit: number | null;
  /** What else may be made of it: `values` like it (enumerations, flags), `anything` where it only stands for freshness. */
  readonly sharing: "none" | "values" | "anything";
}

/** Most registers that one Modbus request reads, and writes (application protocol 1.1b3, function codes 3 and 16). */
const READ_COUNT_MAX = 125;
const WRITE_COUNT_MAX = 123;
/** The fast class is read every scan: more requests than this do not fit beside those of the other devices. */
const FAST_REQUEST_COUNT_MAX = 4;

/** Checks where the registers of a profile lie: none used twice, few requests for the fast class, one for a fenced write. */
export function checkRegisters(profile: ProfileFile, kind: KindSpec, report: Report): void {
  checkSpans(profile, report);
  checkForbidden(profile, report);
  checkSupervision(profile, kind, report);
  checkWriteBlock(profile, kind, report);
  checkFastClass(profile, report);
}

function sizeOf(type: RegisterType): number {
  return type === "int32" || type === "uint32" || type === "float32" ? 2 : 1;
}

function spansOf(profile: ProfileFile): Span[] {
  const spans: Span[] = [];
  profile.points.forEach((point, index) => {
    const path = ["points", index];
    const count = sizeOf(point.type);
    const bit = point.bit ?? null;
    const sharing = sharingOf(point);
    const own = { table: point.table, address: point.address, count, bit, sharing };
    spans.push({ path: [...path, "address"], ...own });
    if (point.write_with) {
      const { before, after } = point.write_with;
      const start = point.address - before.length;
      const along: Omit<Span, "address" | "count"> = {
        path: [...path, "write_with"],
        table: point.table,
        bit: null,
        sharing: "none",
      };
      if (before.length > 0) spans.push({ ...along, address: start, count: before.length });
      if (after.length > 0)
        spans.push({ ...along, address: point.address + count, count: after.length });
    }
    const { read_back: readBack } = point;
    const isElsewhere =
      readBack && (readBack.table !== point.table || readBack.address !== point.address);
    if (isElsewhere)
      spans.push({ path: [...path, "read_back"], ...readBack, count, bit, sharing: "none" });
  });
  if (profile.epoch_register) {
    const { address } = profile.epoch_register;
    spans.push({
      path: ["epoch_register", "address"],
      table: "holding",
      address,
      count: 2,
      bit: null,
      sharing: "none",
    });
  }
  if (profile.signature) {
    const { table, address } = profile.signature;
    spans.push({
      path: ["signature", "address"],
      table,
      address,
      count: 1,
      bit: null,
      sharing: "none",
    });
  }
  // Commands may share a register with one another, but with nothing else, and only with different values.
  const commandRegisters = new Set<string>();
  profile.commands.forEach(({ command, table, address: last, before }, index) => {
    // What gives a device back may write the very registers by which it was told.
    if (command === "release") return;
    const register = `${table} ${last}`;
    const address = last - before.length;
    if (!commandRegisters.has(register)) {
      spans.push({
        path: ["commands", index, "address"],
        table,
        address,
        count: before.length + 1,
        bit: null,
        sharing: "none",
      });
    }
    commandRegisters.add(register);
  });
  return spans;
}

/** For people: the point, or whatever else of a profile has the registers. */
function ownerOf({ path: [list, index] }: Span, { points, commands }: ProfileFile): string {
  if (list === "points") return points[Number(index)]?.point ?? "another point";
  if (list === "commands") return `command ${commands[Number(index)]?.command ?? ""}`.trimEnd();
  return String(list);
}

/** An enumeration or a group of flags may say several things; a constant only needs a register that is read. */
function sharingOf(point: ProfileFile["points"][number]): Span["sharing"] {
  if (point.constant !== undefined) return "anything";
  const isSaid = point.true_values ?? point.true_mask ?? point.labels;
  return isSaid === undefined ? "none" : "values";
}

function checkSpans(profile: ProfileFile, report: Report): void {
  const spans = spansOf(profile);
  spans.forEach((span, index) => {
    if (span.address < 0 || span.address + span.count > 65536) {
      report(span.path, String(span.address), "an address whose registers end at 65535");
    }
    const clash = spans.slice(0, index).find((other) => isOverlapping(span, other));
    if (clash === undefined) return;
    const taken = ownerOf(clash, profile);
    report(
      span.path,
      `${span.table} ${span.address}`,
      `registers that nothing else uses (${taken} does)`,
    );
  });
  const writes = new Set<string>();
  profile.commands.forEach(({ table, address, value, before }, index) => {
    const write = `${table} ${address} ${before.join(" ")} ${value}`;
    if (writes.has(write)) {
      report(
        ["commands", index, "value"],
        String(value),
        "a value that no other command writes there",
      );
    }
    writes.add(write);
  });
}

function isOverlapping(a: Span, b: Span): boolean {
  if (a.table !== b.table) return false;
  if (a.address >= b.address + b.count || b.address >= a.address + a.count) return false;
  if (a.sharing === "anything" || b.sharing === "anything") return false;
  const isSameThing = a.address === b.address && a.count === b.count;
  const mayShare = (one: Span) => one.sharing === "values" || one.bit !== null;
  if ((a.sharing === "values" || b.sharing === "values") && mayShare(a) && mayShare(b)) {
    return !isSameThing && a.bit === null && b.bit === null;
  }
  return a.bit === null || b.bit === null || a.bit === b.bit;
}

/** The epoch, the levels and the command register lie side by side: the driver writes them in one request. */
function checkWriteBlock(profile: ProfileFile, kind: KindSpec, report: Report): void {
  if (!profile.epoch_register) return;
  profile.points.forEach((point, index) => {
    if (!point.write_with) return;
    const allowed = "none beside an epoch register: one request writes the whole block";
    report(["points", index, "write_with"], "a table", allowed);
  });
  let next = profile.epoch_register.address + 2;
  const first = next - 2;
  const levels = profile.points
    .map((point, index) => ({ point, index }))
    .filter(({ point }) => kind.points[point.point]?.direction === "level")
    .sort((a, b) => a.point.address - b.point.address);
  for (const { point, index } of levels) {
    if (point.table !== "holding" || point.address !== next) {
      const allowed = `holding ${next}: levels follow the epoch without a gap`;
      report(["points", index, "address"], `${point.table} ${point.address}`, allowed);
      return;
    }
    next += sizeOf(point.type);
  }
  const wrong = profile.commands.findIndex(
    (c) => c.table !== "holding" || c.address !== next || c.before.length > 0,
  );
  const command = profile.commands[wrong];
  if (command) {
    const allowed = `holding ${next}: the one command register follows epoch and levels without a gap`;
    report(["commands", wrong, "address"], `${command.table} ${command.address}`, allowed);
  }
  if (next + 1 - first > WRITE_COUNT_MAX) {
    report(
      ["epoch_register"],
      `${next + 1 - first} registers`,
      `at most ${WRITE_COUNT_MAX} in one request`,
    );
  }
}

/** What supervises a level stands at levels only, names what is measured, and does not contradict the watchdog or the epoch. */
function checkSupervision(profile: ProfileFile, kind: KindSpec, report: Report): void {
  let budgetCount = 0;
  let levelCount = 0;
  profile.points.forEach((point, index) => {
    const path = ["points", index];
    const isLevel = kind.points[point.point]?.direction === "level";
    levelCount += isLevel ? 1 : 0;
    const { followed_by: followedBy, writes_per_day_max: budget } = point;
    if (!isLevel && (followedBy !== undefined || budget !== undefined)) {
      const field = followedBy === undefined ? "writes_per_day_max" : "followed_by";
      report([...path, field], field, `none: ${point.point} is measured`);
    }
    if (followedBy !== undefined) {
      const spec = kind.points[followedBy.point];
      const isMapped = profile.points.some((one) => one.point === followedBy.point);
      if (!isMapped || spec?.type !== "number" || spec.direction !== "measured") {
        const allowed = "a measured number that this profile maps";
        report([...path, "followed_by", "point"], JSON.stringify(followedBy.point), allowed);
      }
    }
    if (budget === undefined) return;
    budgetCount++;
    if (profile.epoch_register) {
      const allowed = "none beside an epoch register: every write there carries all levels";
      report([...path, "writes_per_day_max"], String(budget), allowed);
    }
  });
  const isServed = profile.fallback !== undefined && profile.fallback.behaviour !== "none";
  if (isServed && budgetCount > 0 && budgetCount === levelCount) {
    report(
      ["points"],
      "a write budget on every level",
      "one level without, or fallback `none`: the watchdog is served by writing a level",
    );
  }
}

/** What is read must not stand where the device must not be read, nor across a border that no request may cross. */
function checkForbidden(profile: ProfileFile, report: Report): void {
  const { forbidden, barriers } = profile.modbus;
  for (const { path, table, address, count } of spansOf(profile)) {
    const end = address + count;
    const range = forbidden.find(
      (one) => one.table === table && one.address < end && address < one.address + one.count,
    );
    if (range !== undefined) {
      const last = range.address + range.count - 1;
      report(
        path,
        `${table} ${address}`,
        `an address outside ${range.address} to ${last}, which is forbidden`,
      );
    }
    const barrier = barriers.find(
      (one) => one.table === table && address < one.address && one.address < end,
    );
    if (barrier !== undefined) {
      report(
        path,
        `${table} ${address} to ${end - 1}`,
        `no barrier between them (${barrier.address})`,
      );
    }
  }
}

function checkFastClass(profile: ProfileFile, report: Report): void {
  let requestCount = 0;
  for (const table of ["holding", "input", "coil", "discrete"] as const) {
    const spans = profile.points
      .filter((point) => point.poll === "fast" && point.access !== "write" && point.table === table)
      .map(({ address, type }) => ({ address, end: address + sizeOf(type) }))
      .sort((a, b) => a.address - b.address);
    let start = -READ_COUNT_MAX;
    for (const span of spans) {
      if (span.end - start <= READ_COUNT_MAX) continue;
      requestCount += 1;
      start = span.address;
    }
  }
  if (requestCount > FAST_REQUEST_COUNT_MAX) {
    const allowed = `at most ${FAST_REQUEST_COUNT_MAX} of ${READ_COUNT_MAX} registers each; move points to poll = "slow"`;
    report(["points"], `a fast class of ${requestCount} requests`, allowed);
  }
}
