import { RemsError } from "../../kernel/errors.ts";
import { rems } from "../../proto/generated/rems-v1.ts";
import { messageFromJson, messageToJson, type Json } from "../../proto/message-json.ts";
import type { MessageSchemas } from "../../proto/message-schema.ts";
import type { Service, StreamMethod, UnaryMethod } from "../service.ts";

type MessageClass = { create(fields: object): object };

/** The methods of gRPC's services as functions of JSON. */
export class JsonMethods {
  readonly schemas: MessageSchemas;
  readonly #services: ReadonlyMap<string, Service>;

  /** @param services - By full name. */
  constructor(schemas: MessageSchemas, services: ReadonlyMap<string, Service>) {
    this.schemas = schemas;
    this.#services = services;
  }

  has(rpc: string): boolean {
    return this.#find(rpc) !== undefined;
  }

  /** @param isText - The values come from a query. */
  requestOf(rpc: string, json: unknown, isText: boolean): object {
    const { input } = this.schemas.methodOf(rpc);
    return this.#created(input, messageFromJson(this.schemas, input, json, isText));
  }

  async answer(rpc: string, request: object): Promise<Json> {
    const method = this.#find(rpc);
    if (method?.type !== "unary") {
      throw new RemsError("REMS_NOT_FOUND", `this node does not answer ${rpc}`);
    }
    const response = await (method as UnaryMethod<object, object>).answer(request);
    return messageToJson(this.schemas, this.schemas.methodOf(rpc).output, response);
  }

  streamOf(rpc: string): StreamMethod<object, object> {
    const method = this.#find(rpc);
    if (method?.type === "stream") return method as StreamMethod<object, object>;
    throw new RemsError("REMS_NOT_FOUND", `this node has no stream ${rpc}`);
  }

  #find(rpc: string): Service[string] | undefined {
    const [service = "", name = ""] = rpc.split("/");
    return this.#services.get(service)?.[name.charAt(0).toLowerCase() + name.slice(1)];
  }

  /** As an instance of the generated class, so that absent fields have their defaults, at every depth. */
  #created(type: string, fields: Record<string, unknown>): object {
    const schema = this.schemas.fieldsOf(type);
    for (const { jsonName, type: kind, typeName, isRepeated } of schema) {
      const value = fields[jsonName];
      if (kind !== "message" || value === undefined || !typeName.startsWith("rems.v1.")) continue;
      const create = (each: unknown): object =>
        this.#created(typeName, each as Record<string, unknown>);
      fields[jsonName] = isRepeated ? (value as unknown[]).map(create) : create(value);
    }
    const name = type.slice("rems.v1.".length) as keyof typeof rems.v1;
    return (rems.v1[name] as unknown as MessageClass).create(fields);
  }
}
