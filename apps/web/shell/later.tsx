import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { base } from "../data/node-link.ts";

export type Load = () => Promise<{ readonly default: ComponentType }>;

type State =
  | { readonly type: "waiting" }
  | { readonly type: "here"; readonly Page: ComponentType }
  | { readonly type: "failed" };

/** A page that is fetched when it is first opened. If its node has gone since, another one has it. */
export function Later({ load, title }: { load: Load; title: string }): JSX.Element {
  const [state, setState] = useState<State>({ type: "waiting" });
  useEffect(() => {
    let isGone = false;
    const set = (next: State): void => {
      if (!isGone) setState(next);
    };
    setState({ type: "waiting" });
    Promise.resolve()
      .then(load)
      .then(
        ({ default: Page }) => set({ type: "here", Page }),
        () => set({ type: "failed" }),
      );
    return () => {
      isGone = true;
    };
  }, [load]);
  if (state.type === "here") return <state.Page />;
  if (state.type === "waiting") return <p class="waiting">Loading {title} …</p>;
  return (
    <section class="panel empty">
      <h1>{title} could not be fetched</h1>
      <p>
        The node that this page came from does not answer.{" "}
        <a href={`${base.value}/${location.hash}`}>Open it from {base.value}</a>
      </p>
    </section>
  );
}
