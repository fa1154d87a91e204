/**
 * What every device machine hears. The reading comes with each event, so that a machine decides on what is measured now and
 * nothing measured is kept twice.
 */
export type DeviceEvent<Type extends string, Reading> = Type extends string
  ? {
      readonly type: Type;
      readonly plantTimeMs: number;
      /** False while commands must wait: after a change of leadership, or before everything critical was read. */
      readonly mayCommand: boolean;
      readonly reading: Reading;
      /** Why, as a sentence: the request's, the decision's or the driver's. */
      readonly reason: string;
      /** For fates: the command that it is the fate of; otherwise "". */
      readonly command: string;
    }
  : never;

/** What became of a command that the machine gave. */
export type FateType =
  | "command.confirmed"
  | "command.dropped"
  | "command.failed"
  | "command.unknown";

/** Every device machine's effect: one irreversible act, with its reason. */
export type CommandParams = {
  readonly command: string;
  readonly reason: string;
};

/** Position of a breaker from both its contacts. */
export type Position = "closed" | "open" | "unknown";
