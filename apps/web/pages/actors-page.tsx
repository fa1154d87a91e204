import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { actors, status } from "../data/store.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { wordsOf } from "../parts/format.ts";
import { linkTo, route } from "../shell/route.ts";
import { ActorDetail } from "./actors/actor-detail.tsx";
import "./actors/actors.css";

export default function ActorsPage(): JSX.Element {
  const [search, setSearch] = useState("");
  if (status.value === null) return <NodeStart />;
  const { rest } = route.value;
  const all = [...actors.value.keys()];
  const words = search.toLowerCase().split(" ").filter(Boolean);
  const shown = all.filter((address) => {
    const text = `${address} ${actors.value.get(address)?.state ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const open = rest === "" ? (shown[0] ?? "") : rest;
  return (
    <div class="actors-page">
      <section class="panel actor-tree" aria-label="Tree of actors">
        <label class="field">
          Find
          <input
            type="search"
            placeholder="port dg1, or a state"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <p class="quiet">
          {shown.length} of {all.length} actors
        </p>
        <Tree addresses={shown} open={open} />
      </section>
      {open === "" ? null : <ActorDetail address={open} key={open} />}
    </div>
  );
}

/** Indented by its depth: an actor stands below the nearest one whose address begins its own. */
function Tree({ addresses, open }: { addresses: readonly string[]; open: string }): JSX.Element {
  const known = new Set(addresses);
  return (
    <ul>
      {addresses.map((address) => {
        const parts = address.split("/");
        const above = parts.findLastIndex(
          (_part, at) => at > 0 && known.has(parts.slice(0, at).join("/")),
        );
        const parent = above < 0 ? "" : parts.slice(0, above).join("/");
        const depth = parents(address, known);
        const actor = actors.value.get(address);
        const name = parent === "" ? address : address.slice(parent.length + 1);
        return (
          <li key={address} style={{ paddingLeft: `${depth * 16}px` }}>
            <a
              href={linkTo("actors", address)}
              aria-current={address === open ? "true" : undefined}
            >
              <span>{name}</span>
              <span class={actor?.isQuarantined === true ? "state bad" : "state"}>
                {actor?.isQuarantined === true ? "quarantined" : wordsOf(actor?.state ?? "")}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function parents(address: string, known: ReadonlySet<string>): number {
  const parts = address.split("/");
  return parts.filter((_part, at) => at > 0 && known.has(parts.slice(0, at).join("/"))).length;
}
