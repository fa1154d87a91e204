import { RemsError } from "../../kernel/errors.ts";

/** Something that is to hold, and how it is said. */
export type Expectation = { readonly text: string } &
  /** The state of a replicated actor, by the leader's newest frame. */
  (
    | { readonly kind: "state"; readonly subject: string; readonly states: readonly string[] }
    /** A number at the device or of the busbar, as it is in the plant. */
    | {
        readonly kind: "band";
        readonly subject: string;
        readonly quantity: string;
        readonly min: number;
        readonly max: number;
      }
    | {
        readonly kind: "value";
        readonly subject: string;
        readonly quantity: string;
        readonly value: string;
      }
    | {
        readonly kind: "alarm";
        readonly subject: string;
        readonly code: string;
        readonly isStanding: boolean;
      }
    /** One of the sentences of `why` holds these words. */
    | { readonly kind: "why"; readonly subject: string; readonly words: string }
    /** The answer to the last request. */
    | { readonly kind: "answer"; readonly isAccepted: boolean; readonly words: string }
  );

type Fields<T> = T extends { readonly text: string } ? Omit<T, "text"> : never;
type Make = (match: readonly string[]) => Fields<Expectation>;

const ID = "([a-z][a-z0-9-]*)";
const NUMBER = "(-?\\d+(?:\\.\\d+)?)";
const WORDS = "'([^']+)'";

const SENTENCES: readonly (readonly [pattern: string, make: Make])[] = [
  [
    `${ID} is ([a-zA-Z]+(?:\\|[a-zA-Z]+)*)`,
    ([s, states]) => ({ kind: "state", subject: s ?? "", states: (states ?? "").split("|") }),
  ],
  [
    `${ID}\\.([a-zA-Z]+) ${NUMBER}(?:\\.\\.${NUMBER})?`,
    ([s, quantity, min, max]) => ({
      kind: "band",
      subject: s ?? "",
      quantity: quantity ?? "",
      min: Number(min),
      max: Number(max ?? min),
    }),
  ],
  [
    `${ID}\\.([a-zA-Z]+) ([a-z]+)`,
    ([s, quantity, value]) => ({
      kind: "value",
      subject: s ?? "",
      quantity: quantity ?? "",
      value: value ?? "",
    }),
  ],
  [
    `${ID} (no )?alarm ([A-Z][A-Z0-9_]+)`,
    ([s, no, code]) => ({
      kind: "alarm",
      subject: s ?? "",
      code: code ?? "",
      isStanding: no === undefined,
    }),
  ],
  [`${ID} why ${WORDS}`, ([s, words]) => ({ kind: "why", subject: s ?? "", words: words ?? "" })],
  [
    `answer (accepted|refused)(?: ${WORDS})?`,
    ([verdict, words]) => ({
      kind: "answer",
      isAccepted: verdict === "accepted",
      words: words ?? "",
    }),
  ],
];

const PATTERNS = SENTENCES.map(([pattern, make]) => [new RegExp(`^${pattern}$`), make] as const);

/**
 * The expectations of a line, parted by semicolons.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` where a sentence is none of those that expectations may be.
 */
export function parseExpectations(text: string): Expectation[] {
  return text
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map(parseExpectation);
}

function parseExpectation(text: string): Expectation {
  for (const [pattern, make] of PATTERNS) {
    const match = pattern.exec(text);
    if (match !== null) return { text, ...make(match.slice(1)) } as Expectation;
  }
  throw new RemsError(
    "REMS_CONFIG_INVALID",
    `"${text}" is no expectation; it is one of: <id> is <state>[|<state>] | <id>.<quantity> <number>[..<number>] | <id>.<quantity> true|false|<label> | <device or grid> [no ]alarm <CODE> | <id> why '<words>' | answer accepted|refused ['<words>']`,
  );
}
