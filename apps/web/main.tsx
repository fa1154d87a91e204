import { render } from "preact";
import { startLive } from "./data/live.ts";
import { isInSetup } from "./data/setup-state.ts";
import { App } from "./shell/app.tsx";
import { FirstSetup } from "./shell/first-setup.tsx";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";

const place = document.querySelector("#app");
if (place !== null) void begin(place);

/** A node without a manifest has nothing to show but the wizard. */
async function begin(element: Element): Promise<void> {
  if (await isInSetup()) {
    render(<FirstSetup />, element);
    return;
  }
  startLive();
  render(<App />, element);
}
