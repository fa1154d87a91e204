import type { Command } from "commander";
import type { DeviceProfile } from "../../../configs/profile.ts";
import { isRefusal, textOf, type Outcome } from "../../../drivers/modbus/outcome.ts";
import {
  layoutWrites,
  planCommandWrite,
  planLevelWrites,
  type WriteLayout,
  type WriteRequest,
} from "../../../drivers/modbus/write-plan.ts";
import { present } from "../../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../../kernel/device-kinds.ts";
import { RemsError } from "../../../kernel/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { checkSpeaksModbus } from "../find-profile.ts";
import { auditPath, writeAudit, type AuditEntry } from "./audit-file.ts";
import { daemonDevices, standsAt } from "./daemon-device.ts";
import { DeviceLine } from "../../../api/device-probe/device-line.ts";
import { mayWriteOffline, proofPoints } from "./offline-guard.ts";
import type { DeviceOptions, DeviceTarget } from "./point-source.ts";
import { readPoints, type PointReading } from "../../../api/device-probe/read-points.ts";
import { profileAt } from "../../../api/device-probe/sunspec-layout.ts";

export interface OfflineOptions extends DeviceOptions {
  readonly offlineDevice?: string;
  readonly auditFile?: string;
}

/** Commands that would close a breaker: a tool never does. */
const CLOSING_COMMANDS = new Set(["syncAndClose", "close"]);

export function withOfflineOptions(command: Command): Command {
  return command
    .option(
      "--offline-device <id>",
      "the device's id, typed out: it is out of the plant and nobody else commands it",
    )
    .option(
      "--audit-file <file>",
      "where the audit lines go; beside the logs of the manifest otherwise, or in your state directory",
    );
}

/** For the help of each tool that writes. */
export const OFFLINE_HELP = `
Writes only where no node serves the device, its id is typed out after --offline-device (of the manifest; without one, of the
profile), and its breaker is open or it is stopped, read back just before. Each use leaves an audit line, before and after.
A tool never closes a breaker. A device that checks epochs is written under the epoch that it holds.`;

/** A device that may be written, and all that is needed for it. */
export class OfflineSession {
  readonly line: DeviceLine;
  readonly profile: DeviceProfile;
  readonly unitId: number;
  readonly layout: WriteLayout;
  readonly #tool: AuditEntry["tool"];
  readonly #id: string;
  readonly #auditPath: string;

  private constructor(
    tool: AuditEntry["tool"],
    id: string,
    target: DeviceTarget,
    profile: DeviceProfile,
    line: DeviceLine,
    path: string,
  ) {
    this.#tool = tool;
    this.#id = id;
    this.#auditPath = path;
    this.line = line;
    this.profile = profile;
    this.unitId = target.unitId;
    this.layout = layoutWrites(profile);
  }

  /**
   * Sees to it that nobody else commands the device and that the user means this one.
   *
   * @throws {@link RemsError} `REMS_REQUEST_REFUSED` with the reason.
   */
  static async open(
    tool: AuditEntry["tool"],
    context: CommandContext,
    target: DeviceTarget,
    options: OfflineOptions,
  ): Promise<OfflineSession> {
    const { address } = context.program.opts<{ readonly address: string }>();
    const served =
      target.daemon ??
      (await daemonDevices([address])).find(({ device }) => standsAt(device, target.address));
    if (served) {
      const { device, grid } = served.device;
      throw refused(
        `the node at ${served.address} commands ${device}; ask it, for example r-emsctl command ${grid}/${device} stop`,
      );
    }
    checkSpeaksModbus(target.profile);
    const id = target.config?.id ?? target.profile.id;
    if (options.offlineDevice !== id) {
      const typed =
        options.offlineDevice === undefined ? "is missing" : `is "${options.offlineDevice}"`;
      throw refused(
        `--offline-device ${typed}; if ${id} at ${target.address.host}:${target.address.port} is out of the plant and nobody else commands it, add --offline-device ${id}`,
      );
    }
    const { host, port } = target.address;
    const timeoutMs = options.timeoutMs ?? target.profile.requestTimeoutMs;
    const line = new DeviceLine({ host, port, timeoutMs, signal: context.signal });
    const path = auditPath(options.auditFile, target.manifest);
    try {
      const profile = await profileAt(line, target.unitId, target.profile);
      return new OfflineSession(tool, id, target, profile, line, path);
    } catch (error) {
      await line.close();
      throw error;
    }
  }

  /**
   * Writes levels, or one command, once the device is proved to be out of the plant. The audit line is on disk before.
   *
   * @returns How long the device took to acknowledge, ms.
   * @throws {@link RemsError} `REMS_REQUEST_REFUSED` by the guard or the device, `REMS_REQUEST_INVALID` for a value that the
   *   register cannot hold, `REMS_DEVICE_TIMEOUT` without an answer.
   */
  async write(
    act: { readonly levels: ReadonlyMap<string, number> } | { readonly command: string },
  ): Promise<number> {
    const what =
      "command" in act
        ? act.command
        : [...act.levels].map(([point, value]) => `${point}=${value}`).join(" ");
    if ("command" in act) this.#checkCommand(act.command);
    const epoch = await this.#heldEpoch();
    const requests =
      "command" in act
        ? await this.#commandRequests(act.command, epoch)
        : await this.#levelRequests(act.levels, epoch);
    const verdict = mayWriteOffline(await this.#proofs());
    if (!verdict.mayWrite) {
      this.#audit("failed", what, verdict.because);
      throw refused(`nothing was written to ${this.#id}: ${verdict.because}`);
    }
    this.#audit("asked", what, verdict.because);
    let latencyMsMax = 0;
    for (const request of requests) {
      const { outcome, latencyMs } = await this.line.write(this.unitId, request);
      latencyMsMax = Math.max(latencyMsMax, latencyMs);
      if (outcome.type === "acknowledged") continue;
      this.#audit("failed", what, textOf(outcome));
      throw failureOf(this.#id, outcome);
    }
    this.#audit("done", what, `acknowledged within ${Math.round(latencyMsMax)} ms`);
    return latencyMsMax;
  }

  /** One point as the device shows it now. */
  async read(point: string): Promise<PointReading> {
    const mapping = this.profile.points.filter((one) => one.point === point);
    const { readings } = await readPoints(
      this.line,
      this.unitId,
      this.profile,
      readBackOf(mapping),
    );
    return present(readings[0], "the point of a profile is read");
  }

  async close(): Promise<void> {
    await this.line.close();
  }

  async #proofs(): Promise<readonly PointReading[]> {
    const points = proofPoints(this.profile);
    if (points.length === 0) return [];
    return (await readPoints(this.line, this.unitId, this.profile, points)).readings;
  }

  async #heldEpoch(): Promise<number> {
    const { epochAddress } = this.layout;
    if (epochAddress === null) return 0;
    const { outcome } = await this.line.read(this.unitId, "holding", epochAddress, 2);
    if (outcome.type !== "data") throw failureOf(this.#id, outcome);
    const [high = 0, low = 0] = outcome.words;
    return high * 0x10000 + low;
  }

  #checkCommand(command: string): void {
    if (CLOSING_COMMANDS.has(command)) {
      throw refused(`${command} closes a breaker, which a tool never does`);
    }
    if (this.layout.commands.has(command)) return;
    const known = [...this.layout.commands.keys()].join(", ") || "none";
    throw invalid(`${this.profile.id} has no command "${command}"; it has: ${known}`);
  }

  async #commandRequests(command: string, epoch: number): Promise<WriteRequest[]> {
    const image = this.layout.epochAddress === null ? [] : await this.#heldLevels(new Map());
    const request = planCommandWrite(this.layout, command, image, epoch);
    if (typeof request === "string") throw refused(request);
    return [request];
  }

  async #levelRequests(
    levels: ReadonlyMap<string, number>,
    epoch: number,
  ): Promise<WriteRequest[]> {
    const image = await this.#heldLevels(levels);
    const isDue = this.layout.levels.map(({ point }) => levels.has(point));
    const writes = planLevelWrites(this.layout, image, isDue, epoch);
    if (typeof writes === "string") throw refused(writes);
    return writes.map(({ request }) => request);
  }

  /** What each level's registers should hold: the wanted value, else what the device shows now. */
  async #heldLevels(wanted: ReadonlyMap<string, number>): Promise<(readonly number[] | null)[]> {
    const image: (readonly number[] | null)[] = [];
    for (const { point, codec } of this.layout.levels) {
      const value = wanted.get(point);
      if (value !== undefined) {
        const words = codec.encode(value);
        if (words === null) throw invalid(`the register of ${point} cannot hold ${value}`);
        image.push(words);
      } else if (this.layout.epochAddress === null) image.push(null);
      else image.push((await this.read(point)).words);
    }
    return image;
  }

  #audit(stage: AuditEntry["stage"], what: string, because: string): void {
    const { line, profile, unitId } = this;
    writeAudit(this.#auditPath, {
      tool: this.#tool,
      device: this.#id,
      address: line.address,
      unitId,
      profile: profile.id,
      stage,
      what,
      because,
    });
  }
}

/** A level is read where the device shows what it holds. */
function readBackOf(mappings: readonly DeviceProfile["points"][number][]) {
  return mappings.map((mapping) =>
    mapping.readBack === null
      ? mapping
      : { ...mapping, ...mapping.readBack, access: "read" as const },
  );
}

/**
 * Reads `powerReferenceKw=100`.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` with the levels that there are.
 */
export function parseLevels(
  layout: WriteLayout,
  profile: DeviceProfile,
  texts: readonly string[],
): Map<string, number> {
  const levels = new Map<string, number>();
  for (const text of texts) {
    const [point = "", given = ""] = text.split("=", 2);
    const level = layout.levels.find((one) => one.point === point);
    const value = Number(given);
    if (level === undefined) {
      const known = layout.levels.map((one) => one.point).join(", ") || "none";
      const isCommand = profile.commands.some(({ command }) => command === point);
      const hint = isCommand ? `; it is a command: --command ${point}` : "";
      throw invalid(`${profile.id} has no set-point "${point}"${hint}; it has: ${known}`);
    }
    if (given.trim() === "" || !Number.isFinite(value)) {
      const unit = DEVICE_KINDS[profile.kind].points[point]?.unit ?? "";
      throw invalid(`"${text}"; allowed is ${point}=NUMBER in ${unit}`);
    }
    levels.set(point, value + 0);
  }
  return levels;
}

function failureOf(device: string, outcome: Outcome): RemsError {
  if (isRefusal(outcome))
    return new RemsError("REMS_DEVICE_EXCEPTION", `${device} refused: ${textOf(outcome)}`);
  return new RemsError(
    "REMS_DEVICE_TIMEOUT",
    `whether ${device} took the write is not known: ${textOf(outcome)}; read it back`,
  );
}

function refused(reason: string): RemsError {
  return new RemsError("REMS_REQUEST_REFUSED", reason);
}

function invalid(reason: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", reason);
}
