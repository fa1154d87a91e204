import type { NodeFact } from "../kernel/peer-message.ts";

/** A node's facts are told again so often: messages may be lost, and leaders change. */
const FACTS_EVERY_MS = 1000;
/** What a node says of itself holds while it says it: one that is silent for so long says nothing any more. */
const SILENT_MS = 2500;
/** Names of facts that another node may tell. */
const NODE_FACT = /^[a-z][A-Za-z]{0,31}\.[a-z][A-Za-z]{0,31}$/;

/** Facts about nodes, which whoever leads takes into its frames under the name `fact@node`. */
export interface NodeFacts {
  /** @returns Whether that is news. */
  set(fact: string, isTrue: boolean): boolean;
  /** The node's own facts. */
  own(): readonly NodeFact[];
  /** Whether the own facts are to be told again; asked once a scan. */
  isDue(nowMs: number): boolean;
  /** For a leader: it begins to listen. */
  listen(nowMs: number): void;
  heard(node: string, nowMs: number): void;
  /** The own facts, as not true, of each of `nodes` that is silent. All nodes tell facts of the same names. */
  lapsed(nodes: readonly string[], nowMs: number): readonly NodeFact[];
}

export function createNodeFacts(): NodeFacts {
  const facts = new Map<string, boolean>();
  const heardAtMs = new Map<string, number>();
  let listensSinceMs = 0;
  let dueAtMs = 0;
  return {
    set(fact, isTrue) {
      if (facts.get(fact) === isTrue) return false;
      facts.set(fact, isTrue);
      return true;
    },
    own: () => [...facts],
    isDue(nowMs) {
      if (nowMs < dueAtMs) return false;
      dueAtMs = nowMs + FACTS_EVERY_MS;
      return true;
    },
    listen(nowMs) {
      heardAtMs.clear();
      listensSinceMs = nowMs;
    },
    heard: (node, nowMs) => void heardAtMs.set(node, nowMs),
    lapsed(nodes, nowMs) {
      const silent = nodes.filter(
        (node) => nowMs - (heardAtMs.get(node) ?? listensSinceMs) > SILENT_MS,
      );
      const none = [...facts.keys()].map((fact): NodeFact => [fact, false]);
      return silent.flatMap((node) => namedAfter(node, none));
    },
  };
}

/** What a node told, under the names that frames give it. What has no such name is left out. */
export function namedAfter(node: string, facts: readonly NodeFact[]): readonly NodeFact[] {
  return facts
    .filter(([fact]) => NODE_FACT.test(fact))
    .map(([fact, isTrue]): NodeFact => [`${fact}@${node}`, isTrue]);
}

/** Whether a fact of a frame is one that a node told. */
export function isNodeFact(fact: string): boolean {
  return fact.includes("@");
}
