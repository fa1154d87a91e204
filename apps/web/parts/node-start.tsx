import type { JSX } from "preact";
import { base, isConnected } from "../data/node-link.ts";

/** While nothing has been heard yet. */
export function NodeStart(): JSX.Element {
  return (
    <section class="panel empty" role="status">
      <h1>{isConnected.value ? "Asking the node …" : "No node answers"}</h1>
      <p>
        {isConnected.value
          ? `Waiting for the first status from ${base.value}.`
          : `Tried ${base.value}; it is tried again by itself. Is r-emsd running? "npm start" runs a simulated vessel.`}
      </p>
    </section>
  );
}
