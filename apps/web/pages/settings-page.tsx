import type { JSX } from "preact";
import { status } from "../data/store.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { route } from "../shell/route.ts";
import { GridParameters } from "./settings/grid-parameters.tsx";
import { ManifestText } from "./settings/manifest-text.tsx";
import { NodeManifest } from "./settings/node-manifest.tsx";
import "./settings/settings.css";

export default function SettingsPage(): JSX.Element {
  if (status.value === null) return <NodeStart />;
  const { rest } = route.value;
  return (
    <>
      <div class="page-head">
        <h1>Settings</h1>
        <p>what is in force on every controller, and this node's manifest</p>
      </div>
      <nav class="tabs" aria-label="Settings">
        <a href="#/settings" aria-current={rest === "" ? "page" : undefined}>
          In force
        </a>
        <a href="#/settings/text" aria-current={rest === "text" ? "page" : undefined}>
          Manifest as text
        </a>
        <a href="#/settings/manifest" aria-current={rest === "manifest" ? "page" : undefined}>
          Manifest of a node
        </a>
      </nav>
      {rest === "text" ? <ManifestText /> : null}
      {rest === "" ? <GridParameters /> : null}
      {rest === "manifest" ? <NodeManifest /> : null}
    </>
  );
}
