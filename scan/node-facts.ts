import type { NodeFact } from "../kernel/peer-message.ts";

/** A node's facts are told again so often: messages may be lost, and leaders change. */
const FACTS_EVERY_MS = 1000;
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
}

export function createNodeFacts(): NodeFacts {
  const facts = new Map<string, boolean>();
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
