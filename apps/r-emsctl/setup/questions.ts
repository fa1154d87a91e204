import { setMaxListeners } from "node:events";
import type { Readable, Writable } from "node:stream";
import * as clack from "@clack/prompts";
import { RemsError } from "../../../kernel/errors.ts";

/** One thing to choose, with what it means. */
export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

interface TextQuestion {
  readonly initial?: string;
  readonly placeholder?: string;
  /** Why the text cannot be taken; null where it can. */
  readonly check?: (text: string) => string | null;
}

/** Questions on a terminal. Each throws {@link RemsError} `REMS_TIMEOUT` where the person leaves. */
export interface Questions {
  title(text: string): void;
  end(text: string): void;
  note(title: string, text: string): void;
  tell(kind: "info" | "success" | "warn" | "error", text: string): void;
  text(message: string, question?: TextQuestion): Promise<string>;
  number(message: string, initial: number | null, min: number, max: number): Promise<number>;
  confirm(message: string, initial: boolean): Promise<boolean>;
  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial?: T): Promise<T>;
  /** Shows that something takes its time. */
  working<T>(message: string, work: () => Promise<T>): Promise<T>;
}

export function createQuestions(input: Readable, output: Writable, signal: AbortSignal): Questions {
  const io = { input, output, signal };
  // Each question listens for the end of the program, and a wizard has many.
  setMaxListeners(0, signal);
  const left = (): never => {
    throw new RemsError("REMS_TIMEOUT", "interrupted");
  };
  const text: Questions["text"] = async (message, { initial, placeholder, check } = {}) => {
    const answer = await clack.text({
      ...io,
      message,
      ...(initial === undefined ? {} : { initialValue: initial }),
      ...(placeholder === undefined ? {} : { placeholder }),
      validate: (value) => check?.(value ?? "") ?? undefined,
    });
    return typeof answer === "symbol" ? left() : answer;
  };
  return {
    title: (title) => clack.intro(title, io),
    end: (message) => clack.outro(message, io),
    note: (title, message) => clack.note(message, title, io),
    tell: (kind, message) => clack.log[kind](wrapped(message, output), io),
    text,
    async number(message, initial, min, max) {
      const check = (given: string): string | null => {
        const value = Number(given);
        if (given.trim() !== "" && Number.isFinite(value) && value >= min && value <= max)
          return null;
        return `allowed is a number from ${min} to ${max}`;
      };
      return Number(
        await text(message, { ...(initial === null ? {} : { initial: String(initial) }), check }),
      );
    },
    async confirm(message, initial) {
      const answer = await clack.confirm({ ...io, message, initialValue: initial });
      return typeof answer === "symbol" ? left() : answer;
    },
    async choose<T extends string>(
      message: string,
      choices: readonly Choice<T>[],
      initial?: T,
    ): Promise<T> {
      const chosen = await clack.select<string>({
        ...io,
        message,
        maxItems: 12,
        showInstructions: false,
        options: choices.map(({ value, label, hint }) => ({
          value,
          label,
          ...(hint === undefined ? {} : { hint }),
        })),
        ...(initial === undefined ? {} : { initialValue: initial }),
      });
      return typeof chosen === "symbol" ? left() : (chosen as T);
    },
    async working(message, work) {
      const spinner = clack.spinner({ output });
      spinner.start(message);
      try {
        const result = await work();
        spinner.stop(message);
        return result;
      } catch (error) {
        spinner.error(message);
        throw error;
      }
    },
  };
}

const WIDTH_MAX = 100;
/** What stands left of a message. */
const GUIDE_WIDTH = 4;

/** Lines that fit the terminal, broken between words. */
function wrapped(text: string, output: Writable): string {
  const { columns = 80 } = output as { readonly columns?: number };
  const width = Math.max(20, Math.min(WIDTH_MAX, columns - GUIDE_WIDTH));
  return text
    .split("\n")
    .flatMap((paragraph) => {
      const lines = [""];
      for (const word of paragraph.split(" ")) {
        const line = lines.at(-1) ?? "";
        if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
        else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
      }
      return lines;
    })
    .join("\n");
}
