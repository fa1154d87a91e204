import { shortAddress } from "../../../api/actor-address.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { paint, table, type Terminal } from "../terminal.ts";
import {
  parseUntil,
  type ReplaySession,
  type Stop,
  UNTIL_HELP,
} from "../../../api/replay/replay-session.ts";
import { placeText, stepLines, valueText } from "./replay-text.ts";
import { parseDuration } from "../../../api/replay/when.ts";

export const PROMPT_HELP: readonly (readonly [form: string, meaning: string])[] = [
  ["step [N | 10s]", "forward one frame, N frames, or so long"],
  ["back [N | 10s]", "back one frame, N frames, or so long"],
  ["goto WHEN", "to a time or a sequence, forwards or back; start, end"],
  ["until WHAT", "forward to an alarm, a transition, a command, a failover or a condition"],
  ["actors [PREFIX]", "actors with state and reason"],
  ["why ACTOR", "why an actor is in its state, and its last transitions"],
  ["points [PREFIX]", "measured values with quality"],
  ["outputs", "set-points that are held, and what this frame put out"],
  ["alarms", "active alarms"],
  ["frame", "what this frame brought in"],
  ["notes", "what was written to devices around this time"],
  ["grid ID", "look at another grid"],
  ["where", "the present place"],
  ["quit", ""],
];

/** Executes lines typed at a replay. */
export class ReplayPrompt {
  readonly #session: ReplaySession;
  readonly #terminal: Terminal;
  readonly #breathe: () => Promise<boolean>;

  /** @param breathe - Lets others run; false interrupts. */
  constructor(session: ReplaySession, terminal: Terminal, breathe: () => Promise<boolean>) {
    this.#session = session;
    this.#terminal = terminal;
    this.#breathe = breathe;
  }

  get label(): string {
    const { current } = this.#session;
    return `${current.grid} ${current.index}/${current.count}> `;
  }

  /** @returns False to end. What is wrong with a line is printed. */
  async execute(line: string): Promise<boolean> {
    const [verb = "", ...rest] = line.trim().split(/\s+/);
    const argument = rest.join(" ");
    if (verb === "quit" || verb === "q" || verb === "exit") return false;
    try {
      await this.#perform(verb, argument);
    } catch (error) {
      if (!(error instanceof RemsError)) throw error;
      this.#terminal.out(paint(this.#terminal, "red", error.message));
    }
    return true;
  }

  async #perform(verb: string, argument: string): Promise<void> {
    const session = this.#session;
    switch (verb) {
      case "":
      case "s":
      case "step":
        return this.#forward(argument);
      case "b":
      case "back":
        return this.#back(argument);
      case "g":
      case "goto":
        return this.#goto(argument);
      case "u":
      case "until": {
        const rule = parseUntil(session, argument === "" ? "transition" : argument);
        return this.#arrived(await session.run(rule, this.#breathe));
      }
      case "grid":
        session.select(argument);
        return this.where();
      default:
        return this.show(verb, argument);
    }
  }

  /** Prints one of the views of the present place. */
  show(verb: string, argument: string): void {
    const out = (text: string) => this.#terminal.out(text);
    switch (verb) {
      case "actors":
        return out(this.#actorsText(argument));
      case "why":
        return this.#why(argument);
      case "points":
        return out(this.#pointsText(argument));
      case "outputs":
        return out(this.#outputsText());
      case "alarms":
        return out(this.#alarmsText());
      case "frame":
        return this.#frame();
      case "notes":
        return this.#notes();
      case "where":
        return this.where();
      case "help":
      case "?":
        return out(
          `${table(PROMPT_HELP.map(([form, meaning]) => [`  ${form}`, meaning]))}\nWHAT is ${UNTIL_HELP}`,
        );
      default:
        throw new RemsError("REMS_REQUEST_INVALID", `"${verb}" is no command; help lists them`);
    }
  }

  where(): void {
    const { current } = this.#session;
    const { last } = current;
    const at = last === null ? "before the first frame" : placeText(last.place);
    this.#terminal.out(`${current.grid}: ${at}, frame ${current.index} of ${current.count}`);
    if (last !== null) this.#tellStep();
  }

  #tellStep(): void {
    const { current } = this.#session;
    if (current.last === null) return;
    for (const line of stepLines(this.#terminal, current.grid, current.last)) {
      this.#terminal.out(line);
    }
  }

  #arrived({ reason, isFound }: Stop): void {
    this.#terminal.out(
      isFound
        ? `${paint(this.#terminal, "green", "stopped")} at ${reason}`
        : paint(this.#terminal, "yellow", `not found: ${reason}`),
    );
    this.where();
  }

  async #forward(argument: string): Promise<void> {
    const session = this.#session;
    const durationMs = parseDuration(argument);
    const to =
      durationMs === null
        ? session.current.index + countOf(argument)
        : session.indexAhead(durationMs);
    let done = 0;
    while (session.current.index < to && session.step() !== null) {
      this.#tellStep();
      if (++done % 200 === 0 && !(await this.#breathe())) break;
    }
    if (done === 0) this.#terminal.out("this is the end of the recording");
    else this.#tellPlace();
  }

  #back(argument: string): void {
    const session = this.#session;
    const durationMs = parseDuration(argument);
    const to =
      durationMs === null
        ? session.current.index - countOf(argument)
        : session.indexBack(durationMs);
    session.seek(to);
    this.#tellPlace();
  }

  #tellPlace(): void {
    const { current } = this.#session;
    const at = current.last === null ? "before the first frame" : placeText(current.last.place);
    this.#terminal.out(`${at}, frame ${current.index} of ${current.count}`);
  }

  #goto(argument: string): void {
    this.#session.goTo(argument);
    this.where();
  }

  #actorsText(prefix: string): string {
    const rows = this.#session.current.replica
      .views()
      .filter(
        ({ address }) => address.startsWith(prefix) || shortAddress(address).startsWith(prefix),
      )
      .map(({ address, state, reason }) => [shortAddress(address), state, reason]);
    return table([["ACTOR", "STATE", "REASON"], ...rows]);
  }

  #why(actor: string): void {
    const { replica } = this.#session.current;
    const found = replica
      .views()
      .find(
        ({ address }) =>
          address === actor || shortAddress(address) === actor || address.endsWith(`/${actor}`),
      );
    if (found === undefined) {
      throw new RemsError("REMS_NOT_FOUND", `there is no actor "${actor}"; "actors" lists them`);
    }
    const out = (text: string) => this.#terminal.out(text);
    out(`${paint(this.#terminal, "bold", shortAddress(found.address))}: ${found.state}`);
    for (const sentence of replica.why(found.address)) out(`  ${sentence}`);
    for (const { epoch, sequence, from, to, event, reason } of replica.transitionsOf(
      found.address,
    )) {
      out(
        paint(this.#terminal, "dim", `  ${epoch}:${sequence} ${from} → ${to} (${event}) ${reason}`),
      );
    }
  }

  #pointsText(prefix: string): string {
    const samples = [...this.#session.current.replica.image().points.values()]
      .filter(([point]) => point.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return table([
      ["POINT", "VALUE", "QUALITY"],
      ...samples.map(([point, value, quality]) => [
        point,
        typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value),
        quality === "good" ? quality : paint(this.#terminal, "yellow", quality),
      ]),
    ]);
  }

  #outputsText(): string {
    const { last } = this.#session.current;
    if (last === null) return "nothing was put out before the first frame";
    const { levels, commands, messages } = last.outputs;
    const rows = [
      ...levels.map(({ device, point, value }) => [
        "set-point",
        `${device}.${point}`,
        String(value),
      ]),
      ...commands.map(({ device, command, reason }) => ["command", `${device} ${command}`, reason]),
      ...messages.map((message) => [
        "message",
        `to ${message.toGrid}`,
        valueText(message as never),
      ]),
    ];
    return rows.length === 0 ? "nothing is put out" : table(rows);
  }

  #alarmsText(): string {
    const alarms = this.#session.current.replica.alarms();
    if (alarms.length === 0) return paint(this.#terminal, "green", "no alarms");
    return table(
      alarms.map(({ priority, code, actor, text }) => [priority, code, shortAddress(actor), text]),
    );
  }

  #frame(): void {
    const { last } = this.#session.current;
    if (last === null) return this.#terminal.out("this is before the first frame");
    for (const [key, value] of Object.entries(last.frame)) {
      if (Array.isArray(value) && value.length === 0) continue;
      this.#terminal.out(`  ${key}: ${JSON.stringify(value)}`);
    }
  }

  #notes(): void {
    const { last, recording } = this.#session.current;
    const atMs = last?.place.plantTimeMs ?? 0;
    const near = recording.notes.filter(({ plantTimeMs }) => Math.abs(plantTimeMs - atMs) <= 2000);
    if (near.length === 0) this.#terminal.out("no notes within two seconds");
    for (const { plantTimeMs, kind, text } of near) {
      this.#terminal.out(`  ${((plantTimeMs - atMs) / 1000).toFixed(2)} s  ${kind}  ${text}`);
    }
  }
}

function countOf(argument: string): number {
  if (argument === "") return 1;
  const count = Number(argument);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `"${argument}" is no number of frames and no duration; write for example 5 or 10s`,
  );
}
