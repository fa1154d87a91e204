import { parametersHash, parametersOf, type ParameterSet } from "../../actors/grid/parameters.ts";
import { writeWhole } from "../../configs/setup/wizard.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { NodeView } from "../node-view.ts";
import { checkText, readText, textInForce } from "./manifest-in-force.ts";

/**
 * Writes what is confirmed in the grids into this node's manifest: every node writes its own file, from the replicated state. A file whose
 * parameters were never in force was edited by hand, and is left alone: it is shown as a difference.
 */
export function writeManifest(
  view: NodeView,
  tell: (isWritten: boolean, text: string) => void,
): void {
  const { path } = view.manifest;
  const text = readText(path);
  if (text === null) return;
  const file = checkText(text, path);
  if (file.manifest === null) return tell(false, `${path} is not right, so it was left alone`);
  // One that only looks on goes by rules of its own, which are not the file's.
  if (!file.manifest.nodes.some(({ id }) => id === view.node.id)) return;
  const values = new Map<string, ParameterSet>();
  for (const [grid, { state }] of view.replicas) {
    const config = file.manifest.grids.find(({ id }) => id === grid);
    const { configuration } = state;
    if (config === undefined || configuration === undefined || configuration.trial !== null)
      continue;
    const own = parametersHash(parametersOf(config));
    if (own === parametersHash(configuration.values)) continue;
    if (configuration.known.includes(own)) values.set(grid, configuration.values);
    else {
      tell(
        false,
        `the parameters of ${grid} in ${path} were edited by hand: left alone, see r-emsctl config diff`,
      );
    }
  }
  if (values.size === 0) return;
  const next = textInForce(text, file.manifest, values);
  if (checkText(next, path).manifest === null) {
    return tell(false, `what is in force cannot be written into ${path}`);
  }
  try {
    writeWhole(`${path}.previous`, text);
    writeWhole(path, next);
    tell(true, `${path} has the parameters in force; the one before is ${path}.previous`);
  } catch (error) {
    if (!(error instanceof RemsError)) throw error;
    tell(false, error.message);
  }
}
