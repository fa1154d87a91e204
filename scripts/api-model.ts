import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The operator API as its .proto files describe it, with their comments: what pages and documents are made from. */
export interface ApiModel {
  readonly services: readonly ServiceModel[];
  /** By full name. */
  readonly messages: ReadonlyMap<string, MessageModel>;
  readonly enums: ReadonlyMap<string, EnumModel>;
}

export interface ServiceModel {
  readonly name: string;
  readonly comment: string;
  readonly methods: readonly MethodModel[];
}

export interface MethodModel {
  readonly name: string;
  readonly comment: string;
  readonly input: string;
  readonly output: string;
  readonly isStream: boolean;
}

export interface MessageModel {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly FieldModel[];
}

export interface FieldModel {
  readonly name: string;
  readonly jsonName: string;
  readonly comment: string;
  /** `string`, `double`, `uint64`, … or the full name of a message or enum. */
  readonly type: string;
  readonly isRepeated: boolean;
  /** Of a map with text as keys: `type` is that of its values. */
  readonly isMap: boolean;
  readonly hasPresence: boolean;
  readonly isRequired: boolean;
}

export interface EnumModel {
  readonly name: string;
  readonly comment: string;
  readonly values: readonly { readonly name: string; readonly comment: string }[];
}

interface Location {
  readonly path?: readonly number[];
  readonly leadingComments?: string;
}

interface Field {
  readonly name: string;
  readonly jsonName: string;
  readonly type: string;
  readonly label: string;
  readonly typeName?: string;
  readonly oneofIndex?: number;
  readonly options?: { readonly "[google.api.field_behavior]"?: readonly string[] };
}

interface Message {
  readonly name: string;
  readonly field?: readonly Field[];
  readonly nestedType?: readonly Message[];
  readonly options?: { readonly mapEntry?: boolean };
}

interface File {
  readonly package: string;
  readonly messageType?: readonly Message[];
  readonly enumType?: readonly {
    readonly name: string;
    readonly value: readonly { readonly name: string }[];
  }[];
  readonly service?: readonly {
    readonly name: string;
    readonly method: readonly {
      readonly name: string;
      readonly inputType: string;
      readonly outputType: string;
      readonly serverStreaming?: boolean;
    }[];
  }[];
  readonly sourceCodeInfo?: { readonly location?: readonly Location[] };
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = "rems.v1";

/** Reads the protos of `rems.v1` through `buf`, which keeps their comments. */
export function readApiModel(): ApiModel {
  const buf = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
  const args = [buf, "build", "--as-file-descriptor-set", "--path", "proto/rems/v1"];
  const text = execFileSync(process.execPath, [...args, "-o", "-#format=json"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const { file } = JSON.parse(text) as { file: readonly File[] };
  const messages = new Map<string, MessageModel>();
  const enums = new Map<string, EnumModel>();
  const services: ServiceModel[] = [];
  for (const each of file) if (each.package === PACKAGE) readFile(each, messages, enums, services);
  return { services, messages, enums };
}

function readFile(
  file: File,
  messages: Map<string, MessageModel>,
  enums: Map<string, EnumModel>,
  services: ServiceModel[],
): void {
  const comments = new Map(
    (file.sourceCodeInfo?.location ?? []).map(({ path, leadingComments }) => [
      (path ?? []).join("."),
      (leadingComments ?? "").trim().replaceAll(/\s*\n\s*/g, " "),
    ]),
  );
  const commentAt = (...path: readonly number[]): string => comments.get(path.join(".")) ?? "";
  file.messageType?.forEach((message, i) => {
    const name = `${PACKAGE}.${message.name}`;
    const fields = (message.field ?? []).map((field, k) =>
      fieldModel(field, message, name, commentAt(4, i, 2, k)),
    );
    messages.set(name, { name, comment: commentAt(4, i), fields });
  });
  file.enumType?.forEach(({ name, value }, i) => {
    const full = `${PACKAGE}.${name}`;
    const values = value.map((each, k) => ({ name: each.name, comment: commentAt(5, i, 2, k) }));
    enums.set(full, { name: full, comment: commentAt(5, i), values });
  });
  file.service?.forEach(({ name, method }, i) => {
    services.push({
      name: `${PACKAGE}.${name}`,
      comment: commentAt(6, i),
      methods: method.map((each, k) => ({
        name: each.name,
        comment: commentAt(6, i, 2, k),
        input: each.inputType.slice(1),
        output: each.outputType.slice(1),
        isStream: each.serverStreaming === true,
      })),
    });
  });
}

function fieldModel(field: Field, message: Message, parent: string, comment: string): FieldModel {
  const entry = (message.nestedType ?? []).find(
    (nested) => nested.options?.mapEntry === true && field.typeName === `.${parent}.${nested.name}`,
  );
  const value = entry?.field?.find(({ name }) => name === "value") ?? field;
  const isRepeated = entry === undefined && field.label === "LABEL_REPEATED";
  return {
    name: field.name,
    jsonName: field.jsonName,
    comment,
    type: value.typeName?.slice(1) ?? value.type.replace("TYPE_", "").toLowerCase(),
    isRepeated,
    isMap: entry !== undefined,
    hasPresence:
      !isRepeated &&
      entry === undefined &&
      (field.oneofIndex !== undefined || field.type === "TYPE_MESSAGE"),
    isRequired: field.options?.["[google.api.field_behavior]"]?.includes("REQUIRED") ?? false,
  };
}
