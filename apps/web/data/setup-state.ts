import { send } from "./node-link.ts";

/** The setup wizard as the node has it: the same that `r-emsctl setup wizard` asks. docs/12-gui-setup-wizard/setup-wizard.md */

export type Table = Readonly<Record<string, unknown>>;

export interface SetupField {
  /** `grids[].devices[].host`. */
  readonly path: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly type: "text" | "number" | "boolean" | "list" | "table";
  readonly choices: readonly (string | number)[];
  readonly unit: string;
  readonly min: number | null;
  readonly max: number | null;
  readonly defaultValue: unknown;
  readonly defaultText: string;
  /** Kinds of device that it means something for; empty: for all. */
  readonly kinds: readonly string[];
  readonly isRequired: boolean;
  readonly isMore: boolean;
}

export interface SetupProblem {
  readonly path: string;
  readonly text: string;
  readonly found: string;
  readonly allowed: string;
}

export interface SetupStep {
  readonly id: string;
  readonly title: string;
  readonly explains: string;
  readonly isDone: boolean;
  readonly problems: readonly SetupProblem[];
  readonly fields: readonly SetupField[];
}

export interface SetupProfile {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly family: string;
  readonly isSimulated: boolean;
}

export interface SetupState {
  readonly isFirstStart: boolean;
  readonly isEdit: boolean;
  readonly isResumed: boolean;
  readonly manifestPath: string;
  readonly revision: number;
  readonly thisNode: string;
  readonly document: Table;
  readonly steps: readonly SetupStep[];
  readonly profiles: readonly SetupProfile[];
}

export interface StepOutcome {
  readonly isOk: boolean;
  readonly problems: readonly SetupProblem[];
  readonly revision: number;
  readonly next: string;
  readonly proposal: Table;
}

export interface SetupReview {
  readonly manifestText: string;
  readonly isOk: boolean;
  readonly problems: readonly SetupProblem[];
}

export interface TestReading {
  readonly isOk: boolean;
  readonly points?: readonly {
    readonly point: string;
    readonly value?: unknown;
    readonly unit: string;
    readonly verdict: string;
    readonly finding?: string;
  }[];
}

const API = "/api/v1/setup";
const step = (id: string): string => `${API}/steps/${encodeURIComponent(id)}`;

/** Node whose files are meant; absent: the one that this page came from. */
let at: string | undefined;

export function setUpAt(origin: string | undefined): void {
  at = origin;
}

const get = <T>(path: string): Promise<T> => send<T>("GET", path, undefined, at);
const post = <T>(path: string, body: object): Promise<T> => send<T>("POST", path, body, at);

export const setup = {
  state: () => get<SetupState>(API),
  enter: (code: string) => post<object>(`${API}/session`, { code }),
  proposal: (id: string) => get<{ answers: Table }>(`${step(id)}/proposal`),
  answer: (id: string, answers: Table, revision: number) =>
    send<StepOutcome>("PUT", step(id), { answers, revision }, at),
  deviceProposal: (grid: string, device: Table) =>
    post<{ device: Table }>(`${API}/device-proposal`, { grid, device }),
  scan: (host: string, port: number) =>
    post<{ units: readonly Table[] }>(`${API}/scan`, { host, port }),
  testRead: (device: Table) => post<TestReading>(`${API}/test-read`, device),
  review: () => get<SetupReview>(`${API}/review`),
  save: () => post<{ path: string; message: string }>(`${API}/save`, {}),
  discard: () => post<object>(`${API}/discard`, {}),
  log: () => get<{ entries: readonly Table[] }>(`${API}/log`),
} as const;

/** The node has no manifest yet, and serves its wizard. */
export async function isInSetup(): Promise<boolean> {
  try {
    return (await send<{ isSetup?: boolean }>("GET", "/healthz")).isSetup === true;
  } catch {
    return false;
  }
}
