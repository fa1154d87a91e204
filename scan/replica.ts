import type { Canonical } from "../kernel/canonical.ts";
import { encodeCanonical } from "../kernel/canonical.ts";
import type { CoreOutputs, GridCore } from "../kernel/core.ts";
import { RemsError } from "../kernel/errors.ts";
import type { Frame } from "../kernel/frame.ts";
import { hashOf } from "../kernel/hash.ts";
import type { ConnectionSample, PointSample } from "../kernel/point.ts";

/** The replicated inputs as the frames have built them up: what the first frame of the next epoch repeats. */
export interface Image {
  readonly points: ReadonlyMap<string, PointSample>;
  readonly connections: ReadonlyMap<string, ConnectionSample>;
}

/** One replica of a grid's core, with the image of its inputs. The same on the leader, on standbys, in replay and in the API worker. */
export interface Replica<State> {
  /** Advances by one frame. */
  apply(frame: Frame): CoreOutputs;
  state(): State;
  image(): Image;
  /** Canonical text of everything; {@link restore} takes it back. */
  snapshot(): string;
  /** @throws {@link RemsError} `REMS_MESSAGE_INVALID` if the text is no snapshot; the replica is then unchanged. */
  restore(text: string): void;
  hash(): string;
  /** Everything, by reference where it cannot change: cheap, and good only for this replica's core. {@link recall} takes it back. */
  save(): ReplicaMemory<State>;
  recall(memory: ReplicaMemory<State>): void;
}

export interface ReplicaMemory<State> extends Image {
  readonly state: State;
}

interface SnapshotContent<State> {
  readonly core: State;
  readonly points: readonly PointSample[];
  readonly connections: readonly ConnectionSample[];
}

/** The core's state in a snapshot's text. @throws {@link RemsError} `REMS_MESSAGE_INVALID` if the text is no snapshot. */
export function stateIn(text: string): unknown {
  return (parse(text) as unknown as SnapshotContent<unknown>).core;
}

/** @param hash - {@link hashOf}, or the same by a faster library where there is one. */
export function createReplica<State>(
  core: GridCore<State>,
  hash: (text: string) => string = hashOf,
): Replica<State> {
  let state = core.initial();
  let points = new Map<string, PointSample>();
  let connections = new Map<string, ConnectionSample>();

  const snapshot = (): string => {
    const content: SnapshotContent<State> = {
      core: state,
      points: sorted(points),
      connections: sorted(connections),
    };
    return encodeCanonical(content);
  };

  return {
    apply(frame) {
      for (const sample of frame.points) points.set(sample[0], sample);
      for (const sample of frame.connections) connections.set(sample[0], sample);
      const next = core.step(state, frame);
      state = next.state;
      return next.outputs;
    },
    state: () => state,
    image: () => ({ points, connections }),
    snapshot,
    restore(text) {
      const content = parse(text) as unknown as SnapshotContent<State>;
      state = content.core;
      points = new Map(content.points.map((sample) => [sample[0], sample]));
      connections = new Map(content.connections.map((sample) => [sample[0], sample]));
    },
    hash: () => hash(snapshot()),
    save: () => ({ state, points: new Map(points), connections: new Map(connections) }),
    recall(memory) {
      ({ state } = memory);
      points = new Map(memory.points);
      connections = new Map(memory.connections);
    },
  };
}

/** Insertion order differs between a replica that saw all frames and one restored; the text must not. */
function sorted<Sample extends readonly [string, ...unknown[]]>(
  map: ReadonlyMap<string, Sample>,
): Sample[] {
  return [...map.values()].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
}

function parse(text: string): { readonly [key: string]: Canonical } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RemsError("REMS_MESSAGE_INVALID", "a snapshot is not JSON", { cause });
  }
  const content = value as Partial<SnapshotContent<Canonical>> | null;
  const isSnapshot =
    typeof content === "object" &&
    content !== null &&
    "core" in content &&
    Array.isArray(content.points) &&
    Array.isArray(content.connections);
  if (!isSnapshot)
    throw new RemsError("REMS_MESSAGE_INVALID", "a snapshot lacks core, points or connections");
  return content as { readonly [key: string]: Canonical };
}
