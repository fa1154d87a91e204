import type { JSX } from "preact";
import type { Transition } from "../data/messages.ts";
import { span, wordsOf } from "./format.ts";

/** Transitions of one actor, the newest first, each with its reason. */
export function TransitionList({
  transitions,
}: {
  transitions: readonly Transition[];
}): JSX.Element {
  if (transitions.length === 0) return <p class="quiet">None is remembered.</p>;
  return (
    <ol class="transitions">
      {transitions.toReversed().map((one) => (
        <li key={`${one.epoch}:${one.sequence}:${one.atMs}:${one.to}`}>
          <span>
            {wordsOf(one.from)} → <strong>{wordsOf(one.to)}</strong>
          </span>
          <span class="place">
            {one.sequence === 0
              ? span(one.atMs)
              : `${one.epoch}:${one.sequence} · plant time ${span(one.atMs)}`}
          </span>
          {one.reason === "" ? null : <span class="reason">{one.reason}</span>}
        </li>
      ))}
    </ol>
  );
}
