import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";

/** What a condition reads: the value of a point (`dg1.activePowerKw`) or the state of an actor (`port/dg1`); undefined where it has none. */
export type ReadValue = (name: string) => PointValue | undefined;

export interface Condition {
  readonly text: string;
  /** Every name that it reads. */
  readonly names: readonly string[];
  isTrue(read: ReadValue): boolean;
}

const OPERATORS = ["<=", ">=", "==", "!=", "<", ">"] as const;
type Operator = (typeof OPERATORS)[number];
const TERM = /^\s*([\w./-]+)\s*(<=|>=|==|!=|<|>|=)\s*("[^"]*"|[^\s"]+)\s*$/;
const TERM_COUNT_MAX = 16;

/**
 * Reads `dg1.activePowerKw > 500`, `port/dg1 == onLoad`, and several of them joined by `and`.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that names the part that is none.
 */
export function parseCondition(text: string): Condition {
  const parts = text.split(/\s+and\s+|\s*&&\s*/);
  if (parts.length > TERM_COUNT_MAX) throw invalid(text);
  const terms = parts.map((part) => {
    const match = TERM.exec(part);
    if (match === null) throw invalid(part);
    const [, name = "", operator = "", value = ""] = match;
    return {
      name,
      operator: (operator === "=" ? "==" : operator) as Operator,
      value: valueOf(value),
    };
  });
  return {
    text,
    names: terms.map(({ name }) => name),
    isTrue: (read) =>
      terms.every(({ name, operator, value }) => {
        const found = read(name);
        return found !== undefined && holds(found, operator, value);
      }),
  };
}

function valueOf(text: string): PointValue {
  if (text.startsWith('"')) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function holds(found: PointValue, operator: Operator, value: PointValue): boolean {
  switch (operator) {
    case "==":
      return found === value;
    case "!=":
      return found !== value;
    default:
      if (typeof found !== "number" || typeof value !== "number") return false;
  }
  if (operator === "<") return found < value;
  if (operator === "<=") return found <= value;
  return operator === ">" ? found > value : found >= value;
}

function invalid(part: string): RemsError {
  return new RemsError(
    "REMS_REQUEST_INVALID",
    `"${part}" is no condition; write for example "dg1.activePowerKw > 500", "port/dg1 == onLoad", joined by "and"; operators are ${OPERATORS.join(" ")}`,
  );
}
