import { z } from "zod";

/** Lines of JSON between the launcher and the process that holds the network and the coordinator. */

const id = z.string().min(1).max(100);
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
  /** Cuts or heals every link of a node, to other nodes and to the coordinator. */
  z.strictObject({ type: z.literal("cut"), node: id, isCut: z.boolean() }),
]);
export type NetworkCommand = z.infer<typeof networkCommand>;

export const networkMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    kind: z.enum(["etcd", "embedded"]),
    /** `host:port` as nodes name them; each node reaches them through its own links. */
    endpoints: z.array(z.string()),
    /** Node id, then `host:port` as the node dials it, to where its link begins. */
    maps: z.record(z.string(), z.record(z.string(), z.string())),
  }),
  z.object({ type: z.literal("failed"), text: z.string() }),
]);
export type NetworkMessage = z.infer<typeof networkMessage>;
