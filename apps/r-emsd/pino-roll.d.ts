declare module "pino-roll" {
  import type { pino } from "pino";

  /** Opens a file that changes with time; what else is given goes to the stream. */
  export default function roll(options: {
    readonly file: string;
    readonly frequency: "daily" | "hourly" | number;
    readonly dateFormat?: string;
    readonly extension?: string;
    readonly limit?: { readonly count: number };
    readonly mkdir?: boolean;
    readonly maxLength?: number;
  }): Promise<ReturnType<typeof pino.destination>>;
}
