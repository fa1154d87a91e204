import { createPublicKey } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { keyFingerprint, FILE_BYTES_MAX } from "../../../history/incident-file.ts";
import { type Incident, readIncident } from "../../../history/incident.ts";
import { type GridVerdict, measureBack } from "../../../api/replay/verify.ts";
import { verifyGrids } from "../../../api/replay/verify-grids.ts";
import { present } from "../../../kernel/assert.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { collect, wholeBetween } from "../option-values.ts";
import { paint, table } from "../terminal.ts";
import { PROMPT_HELP, ReplayPrompt } from "./replay-prompt.ts";
import {
  parseUntil,
  ReplaySession,
  type Stop,
  UNTIL_HELP,
} from "../../../api/replay/replay-session.ts";
import {
  differenceText,
  incidentText,
  placeText,
  stepLines,
  totalText,
  type TotalTime,
  verdictText,
} from "./replay-text.ts";
import { serveReplay } from "../../../api/replay/serve-replay.ts";
import {
  CHANGE_HELP,
  changedManifest,
  compareWhatIf,
  parseChange,
  type WhatIf,
} from "./what-if.ts";
import { parseDuration, WHEN_HELP } from "../../../api/replay/when.ts";

interface ReplayOptions {
  readonly grid?: string;
  readonly from?: string;
  readonly until?: string;
  readonly back?: string;
  readonly trace: boolean;
  readonly show: readonly string[];
  readonly whatIf: readonly string[];
  readonly serve?: number;
  readonly verifyKey?: string;
  readonly interactive: boolean;
}

const HELP = `
WHEN is ${WHEN_HELP}, or a sequence (1234 or 2:1234).
WHAT is ${UNTIL_HELP}.
Parameters of --what-if: ${CHANGE_HELP}.

Without options the whole recording is re-run and every hash checked; on a terminal a prompt follows, which takes:
${table(PROMPT_HELP.map(([form, meaning]) => [`  ${form}`, meaning]))}

Examples:
  r-emsctl replay port.incident
  r-emsctl replay port.incident --until "dg1.activePowerKw > 500" --show actors --show "why dg2"
  r-emsctl replay port.incident --until alarm --back 10s --show points
  r-emsctl replay port.incident --from +60s --what-if port.power.startLimitPct=60
  r-emsctl replay port.incident --from 2:218 --show outputs --show notes
  r-emsctl replay port.incident --serve 7501     then: r-emsctl --address 127.0.0.1:7501 status

Exit codes: 0 equal, found, or no difference; 1 it differs, or WHAT did not happen; 2 wrong usage, or the file cannot be read.`;

/** `r-emsctl replay`: re-runs an incident. */
export function addReplay(context: CommandContext): void {
  context.program
    .command("replay <file>")
    .description("re-run an incident: check every hash, stop anywhere, step forwards and back")
    .option("--grid <id>", "grid (switchboard section) to look at; the first otherwise")
    .option("--from <when>", "go there first")
    .option("--until <what>", "run forward until something happens")
    .option("--back <time>", "then step back, such as 10s or 5 (frames)")
    .option("--trace", "print what changes on the way", false)
    .option("--show <view>", "what to print there, as at the prompt; repeat for more", collect, [])
    .option(
      "--what-if <parameter=value>",
      "re-run with it and tell the first difference; repeat for more",
      collect,
      [],
    )
    .option(
      "--serve <port>",
      "open the inspection service on the past; 0 takes a free port",
      wholeBetween(0, 65535),
    )
    .option("--verify-key <file>", "public key (PEM) that must have signed the file")
    .option("--interactive", "take lines as at the prompt from a pipe too", false)
    .addHelpText("after", HELP)
    .action((file: string, options: ReplayOptions) => replay(context, file, options));
}

/** @throws {@link RemsError} `REMS_NOT_FOUND`, `REMS_INCIDENT_INVALID`. */
export function loadIncident(path: string): Incident {
  let bytes: Buffer;
  try {
    if (statSync(path).size > FILE_BYTES_MAX) {
      throw new RemsError("REMS_INCIDENT_INVALID", `${path} is too long for an incident`);
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof RemsError) throw cause;
    throw new RemsError("REMS_NOT_FOUND", `${path} cannot be read`, { cause });
  }
  return readIncident(bytes);
}

async function replay(
  context: CommandContext,
  file: string,
  options: ReplayOptions,
): Promise<void> {
  const { terminal } = context;
  const incident = loadIncident(file);
  if (options.verifyKey !== undefined) checkSigner(incident, options.verifyKey);
  const session = new ReplaySession(incident);
  if (options.grid !== undefined) session.select(options.grid);
  if (isJson(context)) {
    const { summary, signedBy } = incident;
    const { sections: _sections, ...rest } = summary;
    terminal.out(JSON.stringify({ type: "incident", ...rest, signedBy, remarks: session.remarks }));
  } else {
    terminal.out(incidentText(terminal, incident));
    for (const remark of session.remarks) terminal.out(paint(terminal, "dim", `  ${remark}`));
  }
  const exitCode = await perform(context, session, options);
  const isTyped = (terminal.input as { isTTY?: boolean } | undefined)?.isTTY === true;
  const hasPrompt = options.interactive || (isTyped && terminal.hasColours && !isJson(context));
  if (options.serve !== undefined) await serve(context, session, options.serve, hasPrompt);
  else if (hasPrompt && options.whatIf.length === 0) await prompt(context, session);
  else terminal.input?.pause();
  context.finish(exitCode);
}

/** What the options ask for, before any prompt. @returns The exit code. */
async function perform(
  context: CommandContext,
  session: ReplaySession,
  options: ReplayOptions,
): Promise<number> {
  const { current } = session;
  const isPlaced = options.from !== undefined || options.until !== undefined;
  if (options.from !== undefined) session.goTo(options.from);
  if (options.whatIf.length > 0) {
    const changes = options.whatIf.map(parseChange);
    const found = compareWhatIf(current, changedManifest(session.manifest, changes));
    return tellWhatIf(context, options.whatIf, found);
  }
  let isFound = true;
  if (options.until !== undefined) {
    const stop = await run(context, session, options.until, options.trace);
    ({ isFound } = stop);
    tellStop(context, session, stop);
  }
  if (options.back !== undefined) {
    const durationMs = parseDuration(options.back);
    const frames = Number(options.back);
    if (durationMs === null && !(Number.isSafeInteger(frames) && frames > 0)) {
      throw new RemsError("REMS_REQUEST_INVALID", `--back "${options.back}": allowed is 10s or 5`);
    }
    session.seek(durationMs === null ? current.index - frames : session.indexBack(durationMs));
    tellStop(context, session, {
      step: current.last,
      reason: `back ${options.back}`,
      isFound: true,
    });
  }
  const isChecked =
    isPlaced || options.serve !== undefined || (await verify(context, session, options));
  const views = new ReplayPrompt(session, context.terminal, () => Promise.resolve(true));
  for (const view of options.show) {
    const [verb = "", ...rest] = view.split(" ");
    if (isJson(context)) tellView(context, session, verb, rest.join(" "));
    else views.show(verb, rest.join(" "));
  }
  return isChecked && isFound ? EXIT.ok : EXIT.refused;
}

function checkSigner(incident: Incident, path: string): void {
  let wanted: string;
  try {
    wanted = keyFingerprint(createPublicKey(readFileSync(path)));
  } catch (cause) {
    throw new RemsError("REMS_REQUEST_INVALID", `${path} is no public key in PEM`, { cause });
  }
  if (incident.signedBy === wanted) return;
  throw new RemsError(
    "REMS_INCIDENT_INVALID",
    incident.signedBy === null
      ? "the file is not signed"
      : `the file is signed by key ${incident.signedBy}, wanted is ${wanted}`,
  );
}

async function run(
  context: CommandContext,
  session: ReplaySession,
  until: string,
  isTraced: boolean,
): Promise<Stop> {
  const { terminal, signal } = context;
  const rule = parseUntil(session, until);
  const traced = (step: Parameters<typeof rule>[0]) => {
    if (isTraced) tellStep(context, session, step);
    return rule(step);
  };
  const stop = await session.run(traced, async () => {
    const { index, count } = session.current;
    if (!isTraced) terminal.progress?.(`re-running: ${index} of ${count} frames`);
    await new Promise((done) => setImmediate(done));
    return !signal.aborted;
  });
  terminal.progress?.("");
  return stop;
}

function tellStep(
  context: CommandContext,
  session: ReplaySession,
  step: NonNullable<Stop["step"]>,
): void {
  const { terminal } = context;
  const { grid } = session.current;
  if (!isJson(context)) {
    for (const line of stepLines(terminal, grid, step)) terminal.out(line);
    return;
  }
  const { place, outputs, frame } = step;
  const { levels: _levels, messages: _messages, ...told } = outputs;
  const { isDeadBusPermitWanted = false, ...lists } = told;
  const isNews =
    isDeadBusPermitWanted ||
    Object.values(lists).some((list) => list.length > 0) ||
    frame.leadership !== null;
  if (isNews) {
    const { leadership } = frame;
    terminal.out(JSON.stringify({ type: "step", grid, ...place, leadership, ...told }));
  }
}

function tellStop(context: CommandContext, session: ReplaySession, stop: Stop): void {
  const { terminal } = context;
  const { current } = session;
  const { reason, isFound } = stop;
  if (isJson(context)) {
    const place = current.last?.place ?? null;
    terminal.out(JSON.stringify({ type: "stop", grid: current.grid, isFound, reason, place }));
    return;
  }
  const word = isFound
    ? paint(terminal, "green", "stopped")
    : paint(terminal, "yellow", "not found");
  const at = current.last === null ? "before the first frame" : placeText(current.last.place);
  terminal.out(
    `${word}: ${reason}\n  ${current.grid}: ${at}, frame ${current.index} of ${current.count}`,
  );
  if (current.last !== null && stop.step !== null) {
    for (const line of stepLines(terminal, current.grid, current.last)) terminal.out(`  ${line}`);
  }
}

/** Re-runs every grid, or the one asked for, to its end. */
async function verify(
  context: CommandContext,
  session: ReplaySession,
  options: ReplayOptions,
): Promise<boolean> {
  const { terminal } = context;
  const replays = [...session.grids.values()].filter(
    ({ grid }) => options.grid === undefined || grid === options.grid,
  );
  const now = () => performance.now();
  const startedMs = now();
  const startedCpu = process.cpuUsage();
  const verdicts = await verifyGrids(session.manifest, replays, {
    nowMs: now,
    onProgress: (doneCounts) =>
      terminal.progress?.(
        replays
          .map(({ grid, count }) => `${grid}: ${doneCounts.get(grid) ?? 0} of ${count} frames`)
          .join(", "),
      ),
    signal: context.signal,
  });
  const elapsedMs = now() - startedMs;
  const { user, system } = process.cpuUsage(startedCpu);
  terminal.progress?.("");
  if (verdicts === null) {
    terminal.error("interrupted: not all of it was checked");
    return false;
  }
  const spanMs = Math.max(...verdicts.map((verdict) => verdict.spanMs));
  const backMsMax = Math.max(...replays.map((replay) => measureBack(replay, now)));
  const total = { spanMs, elapsedMs, processorMs: (user + system) / 1000, backMsMax };
  for (const verdict of verdicts) tellVerdict(context, session, verdict);
  if (isJson(context)) terminal.out(JSON.stringify({ type: "total", ...totalJson(total) }));
  else terminal.out(totalText(verdicts.length, total));
  return verdicts.every(({ isEqual }) => isEqual);
}

function tellVerdict(context: CommandContext, session: ReplaySession, verdict: GridVerdict): void {
  const { terminal } = context;
  if (isJson(context)) terminal.out(JSON.stringify({ type: "verdict", ...verdictJson(verdict) }));
  else {
    const { core } = present(session.grids.get(verdict.grid), "a grid of the session").replica;
    terminal.out(verdictText(terminal, verdict, core));
  }
}

function totalJson({ spanMs, elapsedMs, processorMs, backMsMax }: TotalTime) {
  return {
    spanMs,
    elapsedMs: Math.round(elapsedMs),
    processorMs: Math.round(processorMs),
    backMsMax: Math.round(backMsMax),
    speed: Math.round(spanMs / Math.max(1, elapsedMs)),
  };
}

function verdictJson(verdict: GridVerdict) {
  const { counts, spanMs, elapsedMs, ...rest } = verdict;
  return {
    ...rest,
    ...counts,
    spanMs,
    elapsedMs: Math.round(elapsedMs),
    speed: Math.round(spanMs / Math.max(1, elapsedMs)),
  };
}

function tellWhatIf(context: CommandContext, changes: readonly string[], found: WhatIf): number {
  const { terminal } = context;
  if (isJson(context)) {
    const first = [...found.first].map(([kind, { place, differences }]) => ({
      kind,
      place,
      differences,
    }));
    terminal.out(JSON.stringify({ type: "whatIf", changes, frameCount: found.frameCount, first }));
  } else if (found.first.size === 0) {
    terminal.out(`with ${changes.join(", ")} nothing is different in ${found.frameCount} frames`);
  } else {
    terminal.out(`with ${changes.join(", ")}, devices measuring what they measured then:`);
    for (const [kind, { place, differences }] of found.first) {
      terminal.out(`first difference of ${kind}: ${placeText(place)} (frame ${place.index})`);
      for (const difference of differences) {
        terminal.out(`  ${differenceText(difference, found.core)}`);
      }
    }
  }
  return found.first.size === 0 ? EXIT.ok : EXIT.refused;
}

/** One view as JSON, one object per line. */
function tellView(
  context: CommandContext,
  session: ReplaySession,
  verb: string,
  argument: string,
): void {
  const { replica, last, grid } = session.current;
  const say = (type: string, value: object) =>
    context.terminal.out(JSON.stringify({ type, grid, ...value }));
  switch (verb) {
    case "actors":
      for (const view of replica.views()) {
        if (view.address.includes(argument)) say("actor", view);
      }
      return;
    case "points":
      for (const [point, value, quality] of replica.image().points.values()) {
        if (point.startsWith(argument)) say("point", { point, value, quality });
      }
      return;
    case "outputs":
      return say("outputs", last?.outputs ?? {});
    case "alarms":
      for (const alarm of replica.alarms()) say("alarm", alarm);
      return;
    case "frame":
      return say("frame", { frame: last?.frame ?? null });
    case "why": {
      const found = replica.views().find(({ address }) => address.endsWith(argument));
      const address = found?.address ?? "";
      return say("why", { address, reasons: replica.why(address) });
    }
    default:
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `--show "${verb}": as JSON there are actors, points, outputs, alarms, frame, why ACTOR`,
      );
  }
}

async function prompt(context: CommandContext, session: ReplaySession): Promise<void> {
  const { terminal, signal } = context;
  const { input } = terminal;
  if (input === undefined) return;
  const isTyped = (input as { isTTY?: boolean }).isTTY === true;
  const lines = createInterface({
    input,
    ...(isTyped ? { output: process.stdout } : {}),
    terminal: isTyped,
  });
  const end = () => lines.close();
  signal.addEventListener("abort", end, { once: true });
  const commands = new ReplayPrompt(session, terminal, async () => {
    await new Promise((done) => setImmediate(done));
    return !signal.aborted;
  });
  const ask = () => {
    if (!isTyped) return;
    lines.setPrompt(commands.label);
    lines.prompt();
  };
  if (isTyped)
    terminal.out(
      paint(terminal, "dim", '"help" lists the commands, Enter steps one frame, "quit" ends'),
    );
  ask();
  for await (const line of lines) {
    if (!(await commands.execute(line))) break;
    ask();
  }
  lines.close();
  input.pause();
}

async function serve(
  context: CommandContext,
  session: ReplaySession,
  port: number,
  hasPrompt: boolean,
): Promise<void> {
  const { terminal, signal } = context;
  const served = await serveReplay(session, port);
  const address = `127.0.0.1:${served.port}`;
  if (isJson(context)) terminal.out(JSON.stringify({ type: "serving", address }));
  else {
    terminal.out(
      `${paint(terminal, "bold", "serving the past")} at ${address}; move it at the prompt, or with  r-emsctl --address ${address} call rems.v1.ReplayService/Move '{"seconds": 10}'`,
    );
  }
  try {
    if (hasPrompt) await prompt(context, session);
    else if (!signal.aborted) {
      await new Promise<void>((done) => {
        signal.addEventListener("abort", () => done(), { once: true });
      });
    }
  } finally {
    served.close();
    terminal.input?.pause();
  }
}
