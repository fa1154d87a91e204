import type { JSX } from "preact";
import { base, isConnected } from "../data/node-link.ts";
import { grids, islands, leaderships, nodes, status } from "../data/store.ts";
import { useClock } from "../parts/use-clock.ts";
import { clockUtc } from "../parts/format.ts";
import { linkTo } from "./route.ts";
import { ThemeButton } from "./theme-button.tsx";
import { ThisScreenButton } from "./this-screen.tsx";

export function Header(): JSX.Element {
  const { installation = "R-EMS", isSimulation = false } = status.value ?? {};
  return (
    <header class="header">
      <a class="mark" href="#/" aria-label="R-EMS, overview">
        <img src="/mark.svg" alt="" width="26" height="26" />
      </a>
      <span class="installation">{installation}</span>
      {isSimulation ? <span class="simulation-tag">SIMULATION</span> : null}
      <Leaders />
      <Nodes />
      <Connection />
      <Clock />
      <ThisScreenButton />
      <ThemeButton />
    </header>
  );
}

/** Who leads what, and which grids make an island: on every page. */
function Leaders(): JSX.Element {
  return (
    <ul class="leaders" aria-label="Islands and leaders">
      {islands.value.map((members, index) => (
        <li key={index} class={`island island-${index % 4}`}>
          {members.map(({ grid, leader, plant }) => (
            <a key={grid} href={linkTo("grids", grid)} class="leader">
              <span class="bus-mark" data-live={plant?.isLive === true} />
              {grid}{" "}
              <strong class={leader === "" ? "nobody" : ""}>
                {leader === "" ? "no leader" : leader}
              </strong>
            </a>
          ))}
        </li>
      ))}
    </ul>
  );
}

/** A node is up where somebody sees it: it answers, leads, is in sync, or another one is connected to it. */
function Nodes(): JSX.Element {
  return (
    <ul class="nodes" aria-label="Nodes">
      {nodes.value.map(({ node, isSelf, connection }) => {
        const isSeen =
          isSelf ||
          connection === "connected" ||
          grids.value.some(({ inSync, leader }) => inSync.includes(node) || leader === node) ||
          [...leaderships.value.values()].some(({ leader }) => leader === node);
        const text = isSelf ? "answers this page" : isSeen ? "up" : "not seen";
        return (
          <li key={node}>
            <a
              href={linkTo("controllers")}
              class={isSeen ? "node up" : "node down"}
              title={`${node}: ${text}`}
            >
              <span aria-hidden="true">{isSelf ? "◉" : isSeen ? "●" : "○"}</span> {node}
              <span class="hidden">: {text}</span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function Connection(): JSX.Element {
  const node = status.value?.node ?? "";
  if (isConnected.value) {
    return (
      <span class="connection" title={`data of node ${node}, ${base.value}`}>
        via {node}
      </span>
    );
  }
  return (
    <span class="connection lost" role="status">
      no node answers
    </span>
  );
}

function Clock(): JSX.Element {
  const nowMs = useClock(1000);
  return (
    <time class="clock" title="This computer's clock, UTC">
      {clockUtc(nowMs)} <small>UTC</small>
    </time>
  );
}
