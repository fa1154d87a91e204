import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup } from "@photostructure/sqlite";
import { RemsError } from "../../kernel/errors.ts";
import { queryPoints } from "./points-query.ts";
import { queryRecords } from "./records-query.ts";
import type { StoreKeeper } from "./store-keeper.ts";
import type { StoreAnswers, StoreQuestion } from "./store-messages.ts";

/** Pages copied in one go; between two of them the store goes on. */
const BACKUP_PAGES = 256;

/** @throws {@link RemsError} what the question asks for is not there or cannot be done; an error of SQLite. */
export async function answerQuestion(
  keeper: StoreKeeper,
  question: StoreQuestion,
): Promise<StoreAnswers[keyof StoreAnswers]> {
  const { store } = keeper;
  switch (question.type) {
    case "points":
      return queryPoints(store, question.query);
    case "records":
      return queryRecords(store.database, question.query);
    case "series":
      return store.registry
        .all()
        .filter(({ grid }) => question.grid === "" || grid === question.grid)
        .map(({ grid, series: { point, kind, isCounter } }) => ({ grid, point, kind, isCounter }));
    case "backup":
      return backUp(keeper, question.name);
    default:
      return question satisfies never;
  }
}

/** Copied under another name first: a file with the name asked for is whole. */
async function backUp(keeper: StoreKeeper, name: string): Promise<StoreAnswers["backup"]> {
  const { database } = keeper.store;
  const path = join(dirname(database.path), "backups", name);
  if (existsSync(path)) {
    throw new RemsError("REMS_REQUEST_INVALID", `${path} exists already; name a new file`);
  }
  const part = `${path}.part`;
  mkdirSync(dirname(path), { recursive: true });
  rmSync(part, { force: true });
  await backup(database.db, part, { rate: BACKUP_PAGES });
  renameSync(part, path);
  return { path, sizeBytes: statSync(path).size };
}
