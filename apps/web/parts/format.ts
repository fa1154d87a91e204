/** Numbers and times as operators read them: fixed digits, so that nothing jumps; a dash where nothing is known. */

export const NONE = "–";

export function fixed(value: number | null | undefined, digits = 0): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return NONE;
  const text = value.toFixed(digits);
  // A minus before a nought says nothing.
  return (/^-0(?:\.0*)?$/.test(text) ? text.slice(1) : text).replace("-", "−");
}

/** `onLoad` is "on load", `taking-over` "taking over". */
export function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/[-_.]/g, " ")
    .toLowerCase();
}

/** `unknown → onLoad` of a record is "unknown → on load"; anything else stays as it is. */
export const transitionWords = (text: string): string =>
  text.includes(" → ") ? text.split(" → ").map(wordsOf).join(" → ") : text;

/** A number and its unit stay on one line. */
export const unbroken = (sentence: string): string =>
  sentence.replaceAll(/(\d) (?=(?:%|kW|kWh|kvar|Hz|V|ms|s|min|h)(?!\w))/g, "$1\u00a0");

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `REDUNDANCY_REDUCED` is "Redundancy reduced". */
export const codeWords = (code: string): string => capital(code.replaceAll("_", " ").toLowerCase());

const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");

/** Time of day, UTC. */
export function clockUtc(wallMs: number): string {
  if (!(wallMs > 0)) return NONE;
  const date = new Date(wallMs);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** Day and time of day, UTC. */
export function dateUtc(wallMs: number): string {
  if (!(wallMs > 0)) return NONE;
  return `${new Date(wallMs).toISOString().slice(0, 10)} ${clockUtc(wallMs)}`;
}

/** Length of time, in at most two units: "450 ms", "12 s", "3 min 05 s", "2 h 10 min", "4 d 3 h". */
export function span(ms: number | null | undefined): string {
  if (typeof ms !== "number" || !Number.isFinite(ms)) return NONE;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
