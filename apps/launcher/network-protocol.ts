import { z } from "zod";

/** Lines of JSON between the launcher and the process that holds the network and the coordinator. */

const id = z.string().min(1).max(100);
/** Of all delays of one node together. */
export const DELAY_MS_MAX = 10_000;
const port = z.int().min(1).max(65_535);

export const networkCommand = z.discriminatedUnion("type", [
  /** The first line, once. */
  z.strictObject({
    type: z.literal("begin"),
    /** Program for three etcd members; null: serve the embedded coordinator. */
    etcdProgram: z.string().nullable(),
    etcdTimings: z.strictObject({ heartbeatMs: z.int(), electionMs: z.int() }).optional(),
    /** A new folder for what the coordinator stores. */
    directory: z.string(),
    nodes: z.array(z.strictObject({ id, host: z.string(), peerPort: port })).max(100),
  }),
  /** Cuts or heals single links, by their ports. */
  z.strictObject({ type: z.literal("cutPorts"), ports: z.array(port), isCut: z.boolean() }),
  z.strictObject({
    type: z.literal("delay"),
    node: id,
    delayMs: z.number().min(0).max(DELAY_MS_MAX),
  }),
  /** A member of etcd, from 0; answered with `done`. */
  z.strictObject({
    type: z.literal("etcd"),
    requestId: z.int(),
    action: z.enum(["leader", "kill", "restart"]),
    member: z.int().min(0).max(100).default(0),
  }),
]);
export type NetworkCommand = z.input<typeof networkCommand>;
export type ReceivedNetworkCommand = z.output<typeof networkCommand>;

export const networkMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    kind: z.enum(["etcd", "embedded"]),
    /** `host:port` as nodes name them; each node reaches them through its own links. */
    endpoints: z.array(z.string()),
    /** Node id, then `host:port` as the node dials it, to where its link begins. */
    maps: z.record(z.string(), z.record(z.string(), z.string())),
    /** Every link: who dials, whom it reaches (`""` for the coordinator), and the port at which it begins. */
    links: z.array(z.object({ from: z.string(), to: z.string(), port })),
  }),
  z.object({
    type: z.literal("done"),
    requestId: z.int(),
    member: z.int(),
    /** Null where it was done. */
    problem: z.string().nullable(),
  }),
  z.object({ type: z.literal("failed"), text: z.string() }),
]);
export type NetworkMessage = z.infer<typeof networkMessage>;
