import type { JSX } from "preact";
import { SetupWizard } from "../pages/setup/setup-wizard.tsx";
import { Dialogs } from "../parts/dialog.tsx";
import { Notices } from "../parts/notices.tsx";
import { ThemeButton } from "./theme-button.tsx";
import "./shell.css";

const AGAIN_MS = 1000;

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
  for (;;) {
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
