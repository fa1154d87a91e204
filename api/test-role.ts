import type { ApiHandle } from "./api.ts";

/** A controller's change of role, as the daemon's local actors report it. */
export function changeRole(
  handle: ApiHandle,
  change: { grid: string; from: string; to: string; reason: string; atMs: number },
): void {
  const { grid, from, to, reason, atMs } = change;
  const address = `nodes/n1/controllers/${grid}`;
  handle.onLocalActor(
    {
      address,
      kind: "local",
      machine: "controller",
      state: to,
      sinceMs: atMs,
      context: {},
      reason,
      restartCount: 0,
      mailboxCount: 0,
      isQuarantined: false,
      nextEvents: [],
    },
    { actor: address, from, to, event: `became.${to}`, reason },
  );
}
