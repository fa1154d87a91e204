import { encodeCanonical } from "../kernel/canonical.ts";
import { RemsError } from "../kernel/errors.ts";
import type { LeadershipRecord } from "../kernel/record.ts";
import {
  atLeastZero,
  counter,
  id,
  list,
  member,
  members,
  nonce as nonceOf,
} from "./field-check.ts";

const RECORD_LENGTH_MAX = 100_000;
const ORDER_COUNT_MAX = 32;

/** Canonical JSON of a record, as it stands in etcd and in the embedded coordinator's file. */
export function encodeRecord(record: LeadershipRecord): string {
  return encodeCanonical(record);
}

/**
 * Reads a record that somebody stored; anything may stand there.
 * @throws {@link RemsError} `REMS_RECORD_INVALID`, with the field as cause.
 */
export function decodeRecord(text: string): LeadershipRecord {
  try {
    return readRecord(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RemsError("REMS_RECORD_INVALID", `the stored record is invalid: ${reason}`, {
      cause,
    });
  }
}

function readRecord(text: string): LeadershipRecord {
  if (text.length > RECORD_LENGTH_MAX) {
    throw new RemsError("REMS_RECORD_INVALID", `the record is ${text.length} characters long`);
  }
  const value: unknown = JSON.parse(text);
  const fields = fieldsOf(value, "record");
  const { epoch, leader, inSync, order, nonce, plantTimeMsMax } = fields;
  // Records of earlier versions do not have it.
  const issuedSequence = fields["issuedSequence"] ?? 0;
  const record: LeadershipRecord = {
    epoch: counter(numberOf(epoch, "epoch"), "epoch"),
    leader: member(memberOf(leader, "leader"), "leader"),
    inSync: members(
      arrayOf(inSync, "inSync").map((entry) => memberOf(entry, "inSync")),
      "inSync",
    ),
    order: list(arrayOf(order, "order"), "order", ORDER_COUNT_MAX).map((node) =>
      id(stringOf(node, "order"), "order"),
    ),
    nonce: nonceOf(stringOf(nonce, "nonce"), "nonce"),
    plantTimeMsMax: atLeastZero(numberOf(plantTimeMsMax, "plantTimeMsMax"), "plantTimeMsMax"),
    issuedSequence: counter(numberOf(issuedSequence, "issuedSequence"), "issuedSequence"),
  };
  if (!record.inSync.some(({ node }) => node === record.leader.node)) {
    throw wrong("inSync", "a list that contains the leader");
  }
  return record;
}

function memberOf(value: unknown, path: string): { node: string; incarnation: string } {
  const { node, incarnation } = fieldsOf(value, path);
  return {
    node: stringOf(node, `${path}.node`),
    incarnation: stringOf(incarnation, `${path}.incarnation`),
  };
}

function fieldsOf(value: unknown, path: string): { readonly [name: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(path, "an object");
  }
  return { ...value };
}

function arrayOf(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(path, "a list");
  return value;
}

function stringOf(value: unknown, path: string): string {
  if (typeof value !== "string") throw wrong(path, "a text");
  return value;
}

function numberOf(value: unknown, path: string): number {
  if (typeof value !== "number") throw wrong(path, "a number");
  return value;
}

function wrong(path: string, allowed: string): RemsError {
  return new RemsError("REMS_RECORD_INVALID", `${path} must be ${allowed}`);
}
