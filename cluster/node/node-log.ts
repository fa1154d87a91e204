type LogFunction = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What this folder needs of a log; a pino logger is one. */
export interface NodeLog {
  readonly debug: LogFunction;
  readonly info: LogFunction;
  readonly warn: LogFunction;
}

export const NO_LOG: NodeLog = { debug: () => {}, info: () => {}, warn: () => {} };
