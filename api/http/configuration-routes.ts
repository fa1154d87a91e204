import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parametersOf } from "../../actors/grid/parameters.ts";
import type { RequestReply } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { API_PREFIX } from "./routes.ts";

const value = z.union([z.number().finite(), z.boolean(), z.string().max(200)]);

const change = z.strictObject({
  requestId: z.string().min(1).max(64),
  command: z.enum(["configure", "confirmConfiguration", "rollBackConfiguration"]),
  /** Only what changes. */
  values: z.record(z.string().max(100), value).default({}),
  /** That the values were read of, or that is on trial. */
  revision: z.int().min(0),
  confirmWithinS: z.int().min(1).max(600).default(60),
  expectedEpoch: z.int().min(0).default(0),
  validateOnly: z.boolean().default(false),
  user: z.string().min(1).max(64).default("unknown"),
});

/**
 * `/api/v1/grids/{grid}/configuration`: the parameters of a grid that change while it runs. They are replicated: every controller has the same,
 * and a change is on trial until somebody keeps it.
 */
export function serveConfiguration(
  server: FastifyInstance,
  view: NodeView,
  desk: CommandDesk,
): void {
  const path = `${API_PREFIX}/grids/:grid/configuration`;
  const gridOf = (params: unknown): string =>
    view.replicaOf((params as { readonly grid: string }).grid).grid;

  server.get(path, (request) => {
    const grid = gridOf(request.params);
    const { state, core } = view.replicaOf(grid);
    const { configuration, plantTimeMs } = state;
    const manifest = parametersOf(core.plan.base.grid);
    const trial = configuration?.trial ?? null;
    return {
      grid,
      revision: configuration?.revision ?? 0,
      values: configuration?.values ?? manifest,
      manifest,
      changedBy: configuration?.changedBy ?? "",
      trial:
        trial === null ? null : { before: trial.before, endsInMs: trial.endsAtMs - plantTimeMs },
      isUndone: (configuration?.undoneAtMs ?? null) !== null,
    };
  });

  server.post(path, (request) => ask(view, desk, gridOf(request.params), request.body));
}

async function ask(
  view: NodeView,
  desk: CommandDesk,
  grid: string,
  body: unknown,
): Promise<RequestReply> {
  const checked = change.safeParse(body);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const where = issue?.path.join(".") || "the body";
    throw new RemsError("REMS_REQUEST_INVALID", `${where}: ${issue?.message ?? "not allowed"}`);
  }
  const { requestId, command, user, validateOnly, expectedEpoch } = checked.data;
  const { isAccepted, reason } = await desk.decide(
    grid,
    {
      requestId,
      role: "engineer",
      user,
      actor: view.replicaOf(grid).core.plan.address,
      command,
      arguments: argumentsOf(checked.data),
    },
    expectedEpoch,
    validateOnly,
  );
  return { requestId, isAccepted, reason };
}

function argumentsOf({
  command,
  values,
  revision,
  confirmWithinS,
}: z.output<typeof change>): Record<string, PointValue> {
  if (command !== "configure") return { revision };
  return { ...values, expectedRevision: revision, confirmWithinS };
}
