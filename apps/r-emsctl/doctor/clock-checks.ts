import { InspectionService, rems } from "../../../proto/generated/rems-v1.ts";
import { OperatorClient, OperatorRefusal } from "../operator-client.ts";
import { type Finding, ok, type Patient, warning } from "./finding.ts";

const ASK_COUNT = 6;
/** A synchronised clock is within a few of them; the records of nodes further apart cannot be put in order. */
const APART_MS_MAX = 100;
/** The resolution of both clocks. */
const TICK_MS = 1;

/** How far a node's clock is ahead of this machine's: certainly no less and no more, ms. */
export interface ClockBounds {
  readonly node: string;
  readonly aheadMsMin: number;
  readonly aheadMsMax: number;
}

/** One question to a node, by this machine's clock, and what the node's clock showed meanwhile. */
export interface ClockAnswer {
  readonly askedMs: number;
  readonly nodeMs: number;
  readonly answeredMs: number;
}

/** The node read its clock between question and answer: each answer narrows the bounds. Pure. */
export function boundsOf(node: string, answers: readonly ClockAnswer[]): ClockBounds {
  return {
    node,
    aheadMsMin: Math.max(...answers.map(({ nodeMs, answeredMs }) => nodeMs - answeredMs - TICK_MS)),
    aheadMsMax: Math.min(...answers.map(({ nodeMs, askedMs }) => nodeMs - askedMs + TICK_MS)),
  };
}

/** Each clock against this machine's, and the two that are furthest apart. Pure. */
export function clockFindings(all: readonly ClockBounds[]): Finding[] {
  const findings = all.map(({ node, aheadMsMin, aheadMsMax }) => {
    const middleMs = (aheadMsMin + aheadMsMax) / 2;
    const side = middleMs < 0 ? "behind" : "ahead of";
    const byMs = `${Math.round(Math.abs(middleMs))} ms ± ${Math.ceil((aheadMsMax - aheadMsMin) / 2)}`;
    return ok(`clock of ${node}`, `${byMs} ${side} this machine's`);
  });
  // What is certain: from the end of one to the begin of the other.
  const pairs = all.flatMap((a) =>
    all.map((b) => ({ a: a.node, b: b.node, apartMs: a.aheadMsMin - b.aheadMsMax })),
  );
  const worst = pairs.toSorted((a, b) => b.apartMs - a.apartMs)[0];
  if (all.length < 2 || worst === undefined) return findings;
  const check = "clocks of the nodes";
  if (worst.apartMs <= APART_MS_MAX) {
    return [
      ...findings,
      ok(check, `none is shown to be more than ${APART_MS_MAX} ms from another`),
    ];
  }
  return [
    ...findings,
    warning(
      check,
      `${worst.a} is at least ${Math.round(worst.apartMs)} ms ahead of ${worst.b}`,
      "run an NTP client on both: failover does not depend on it, but what happened on two nodes cannot be put in order",
    ),
  ];
}

/** Asks every node that answers for its time. */
export async function checkNodeClocks(
  { manifest, timeoutMs, told }: Patient,
  nodes: readonly string[],
): Promise<Finding[]> {
  const bounds: ClockBounds[] = [];
  for (const { id, host, operatorPort } of manifest.nodes.filter((one) => nodes.includes(one.id))) {
    told(`clock of ${id}`);
    const client = new OperatorClient(`${host}:${operatorPort}`, timeoutMs);
    try {
      bounds.push(boundsOf(id, await askTimes(client)));
    } catch (error) {
      if (!(error instanceof OperatorRefusal)) throw error;
      // That it does not answer is told elsewhere.
    } finally {
      client.close();
    }
  }
  return clockFindings(bounds);
}

async function askTimes(client: OperatorClient): Promise<ClockAnswer[]> {
  const answers: ClockAnswer[] = [];
  for (let count = 0; count < ASK_COUNT; count++) {
    const askedMs = Date.now();
    const { wallTimeMs } = await client.call(
      InspectionService.getStatus,
      rems.v1.GetStatusRequest.create(),
    );
    answers.push({ askedMs, nodeMs: wallTimeMs, answeredMs: Date.now() });
  }
  return answers;
}
