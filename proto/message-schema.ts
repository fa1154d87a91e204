import protobuf from "protobufjs/minimal.js";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { present } from "../kernel/assert.ts";
import { RemsError } from "../kernel/errors.ts";

/** One field of a message, as JSON needs it. */
export interface FieldSchema {
  /** As in the .proto file: `since_ms`. */
  readonly name: string;
  /** As in JSON and in code: `sinceMs`. */
  readonly jsonName: string;
  /** `counter`: 64 bits without sign, exact to 2^53. `map`: with strings as keys. */
  readonly type:
    | "string"
    | "number"
    | "integer"
    | "counter"
    | "signed"
    | "bool"
    | "bytes"
    | "enum"
    | "message"
    | "map";
  /** Full name of the message or enum; of a map's value where `type` is `map` and the value is a message. */
  readonly typeName: string;
  /** Of a map's values. */
  readonly valueType: FieldSchema["type"] | null;
  readonly isRepeated: boolean;
  /** It can be absent: a message, `optional`, or part of a `oneof`. */
  readonly hasPresence: boolean;
}

interface EnumValue {
  readonly name: string;
  readonly number?: number;
}

interface EnumDescriptor {
  readonly name?: string;
  readonly value?: readonly EnumValue[];
}

interface FieldDescriptor {
  readonly name?: string;
  readonly jsonName?: string;
  readonly type?: number;
  readonly label?: number;
  readonly typeName?: string;
  readonly oneofIndex?: number;
}

interface MessageDescriptor {
  readonly name?: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly options?: { readonly mapEntry?: boolean };
}

export interface FileDescriptor {
  readonly name?: string;
  readonly package?: string;
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly service?: readonly {
    readonly name?: string;
    readonly method?: readonly {
      readonly name?: string;
      readonly inputType?: string;
      readonly outputType?: string;
    }[];
  }[];
}

const LABEL_REPEATED = 3;
const TYPES: Readonly<Record<number, FieldSchema["type"]>> = {
  1: "number",
  2: "number",
  3: "signed",
  4: "counter",
  5: "signed",
  8: "bool",
  9: "string",
  11: "message",
  12: "bytes",
  13: "integer",
  14: "enum",
  17: "signed",
  18: "signed",
};

/** What a method takes and gives, by full names. */
export interface MethodSchema {
  readonly input: string;
  readonly output: string;
}

/** What messages look like, from a FileDescriptorSet: for JSON, which protobufjs's generated code does not do. */
export class MessageSchemas {
  readonly #messages = new Map<string, readonly FieldSchema[]>();
  readonly #enums = new Map<string, readonly string[]>();
  readonly #methods = new Map<string, MethodSchema>();

  /** @param descriptorSet - google.protobuf.FileDescriptorSet as base64. */
  constructor(descriptorSet: string) {
    for (const bytes of splitDescriptorSet(Buffer.from(descriptorSet, "base64"))) {
      const file = descriptor.FileDescriptorProto.decode(bytes) as FileDescriptor;
      const scope = file.package ?? "";
      // The definitions of protobuf itself describe nothing that travels here but masks.
      if (scope === "google.protobuf" && !file.name?.endsWith("field_mask.proto")) continue;
      for (const each of file.enumType ?? []) this.#addEnum(scope, each);
      for (const message of file.messageType ?? []) this.#addMessage(scope, message);
      for (const service of file.service ?? []) {
        for (const { name = "", inputType = "", outputType = "" } of service.method ?? []) {
          const method = { input: inputType.slice(1), output: outputType.slice(1) };
          this.#methods.set(`${scope}.${service.name ?? ""}/${name}`, method);
        }
      }
    }
  }

  /** Fields in the order of their declaration. */
  fieldsOf(message: string): readonly FieldSchema[] {
    return present(this.#messages.get(message), `${message} is described`);
  }

  /** Names by number; numbers without a name are holes. */
  enumOf(name: string): readonly string[] {
    return present(this.#enums.get(name), `${name} is described`);
  }

  /** @param name - As in `rems.v1.InspectionService/ListActors`. */
  methodOf(name: string): MethodSchema {
    return present(this.#methods.get(name), `${name} is described`);
  }

  messageNames(): string[] {
    return [...this.#messages.keys()];
  }

  #addEnum(scope: string, { name = "", value = [] }: EnumDescriptor): void {
    const names: string[] = [];
    for (const each of value) names[each.number ?? 0] = each.name;
    this.#enums.set(`${scope}.${name}`, names);
  }

  #addMessage(scope: string, message: MessageDescriptor): void {
    const name = `${scope}.${message.name ?? ""}`;
    for (const each of message.enumType ?? []) this.#addEnum(name, each);
    const nested = message.nestedType ?? [];
    for (const each of nested) if (each.options?.mapEntry !== true) this.#addMessage(name, each);
    const maps = new Map(
      nested
        .filter(({ options }) => options?.mapEntry === true)
        .map((entry) => [`.${name}.${entry.name ?? ""}`, entry]),
    );
    this.#messages.set(
      name,
      (message.field ?? []).map((field) => fieldSchema(field, maps.get(field.typeName ?? ""))),
    );
  }
}

function fieldSchema(field: FieldDescriptor, map: MessageDescriptor | undefined): FieldSchema {
  const { name = "", jsonName = camelCase(name), typeName = "" } = field;
  const value = map?.field?.find((each) => each.name === "value");
  if (value !== undefined) {
    return {
      name,
      jsonName,
      type: "map",
      typeName: (value.typeName ?? "").slice(1),
      valueType: typeOf(value),
      isRepeated: false,
      hasPresence: false,
    };
  }
  const type = typeOf(field);
  const isRepeated = field.label === LABEL_REPEATED;
  return {
    name,
    jsonName,
    type,
    typeName: typeName.slice(1),
    valueType: null,
    isRepeated,
    hasPresence: !isRepeated && (type === "message" || Object.hasOwn(field, "oneofIndex")),
  };
}

function typeOf(field: FieldDescriptor): FieldSchema["type"] {
  const type = TYPES[field.type ?? 0];
  if (type !== undefined) return type;
  throw new RemsError(
    "REMS_ENCODING_INVALID",
    `field ${field.name ?? ""} has the type ${String(field.type)}, which JSON here does not know`,
  );
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

/** FileDescriptorSet is `repeated FileDescriptorProto file = 1`. */
export function* splitDescriptorSet(set: Buffer): Generator<Buffer> {
  const reader = protobuf.Reader.create(set);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) yield Buffer.from(reader.bytes());
    else reader.skipType(tag & 7);
  }
}
