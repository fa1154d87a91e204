import type { JSX } from "preact";
import { SetupWizard } from "../pages/setup/setup-wizard.tsx";
import { Dialogs } from "../parts/dialog.tsx";
import { Notices, tell } from "../parts/notices.tsx";
import { ThemeButton } from "./theme-button.tsx";
import "./shell.css";

const AGAIN_MS = 1000;
/** A node that is not there by then has something to say in its log. */
const LATE_MS = 20_000;

/** What a node without a manifest shows. Once one is saved the node starts with it, and this page becomes its application. */
export function FirstSetup(): JSX.Element {
  return (
    <div class="first-setup">
      <header class="header">
        <img src="/mark.svg" alt="" width="26" height="26" />
        <span class="installation">R-EMS setup</span>
        <span class="grow" />
        <ThemeButton />
      </header>
      <main>
        <SetupWizard node="" onSaved={() => void untilStarted()} />
      </main>
      <Notices />
      <Dialogs />
    </div>
  );
}

async function untilStarted(): Promise<void> {
  const sinceMs = Date.now();
  let isTold = false;
  for (;;) {
    if (!isTold && Date.now() - sinceMs > LATE_MS) {
      isTold = true;
      tell("The node has not come up yet. Its log says why: journalctl -u r-emsd", true);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    const answer = await fetch("/healthz").then(
      (response) => response.json() as Promise<{ isSetup?: boolean }>,
      () => null,
    );
    if (answer === null || answer.isSetup === true) continue;
    location.hash = "#/";
    location.reload();
    return;
  }
}
