import { API_PREFIX, ROUTES, type Route } from "../api/http/routes.ts";
import { shortName } from "./api-json-types.ts";
import type { ApiModel, FieldModel, MethodModel } from "./api-model.ts";

type Schema = { readonly [key: string]: unknown };

const ERROR = { $ref: "#/components/responses/Error" };
const FILE = {
  description: "An incident file.",
  content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
};

/** The OpenAPI 3.1 document of the routes that a node serves, from the same table and the same messages. */
export function openApi(model: ApiModel): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of ROUTES) {
    const path = pathOf(route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(model, route) };
  }
  Object.assign(paths, filePaths(), eventPath());
  const schemas: Record<string, Schema> = { Status: STATUS };
  for (const { name, comment, values } of model.enums.values()) {
    schemas[shortName(name)] = {
      type: "string",
      description: comment,
      enum: values.map((v) => v.name),
    };
  }
  for (const { name, comment, fields } of model.messages.values()) {
    schemas[shortName(name)] = {
      type: "object",
      description: comment,
      properties: Object.fromEntries(fields.map((field) => [field.jsonName, fieldSchema(field)])),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "R-EMS",
      version: "0.1.0",
      description:
        "What a node of an R-EMS installation shows and takes over HTTP. The same as its gRPC services rems.v1.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas,
      responses: {
        Error: {
          description: "google.rpc.Status",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Status" } } },
        },
      },
    },
  };
}

const STATUS: Schema = {
  type: "object",
  description: "google.rpc.Status: an error. ErrorInfo in its details has the code of R-EMS.",
  properties: {
    code: { type: "integer", description: "google.rpc.Code" },
    message: { type: "string" },
    details: {
      type: "array",
      items: { type: "object", properties: { "@type": { type: "string" } } },
    },
  },
  required: ["code", "message", "details"],
};

function pathOf({ path, wildcard }: Route): string {
  return `${API_PREFIX}${path.replace("*", `{${wildcard ?? ""}}`).replaceAll(/:(\w+)/g, "{$1}")}`;
}

function methodOf(model: ApiModel, rpc: string): MethodModel {
  const [service, name] = rpc.split("/");
  const found = model.services
    .find((each) => each.name === service)
    ?.methods.find((each) => each.name === name);
  if (found === undefined) throw new TypeError(`there is no method ${rpc}`);
  return found;
}

function operation(model: ApiModel, route: Route): Schema {
  const method = methodOf(model, route.rpc);
  const fields = requestFields(model, method, route);
  const inPath = new Set([...pathOf(route).matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const isBody = route.method === "POST";
  const parameters = fields
    .filter(({ name }) => inPath.has(name) || !isBody)
    .map((field) => ({
      name: field.name,
      in: inPath.has(field.name) ? "path" : "query",
      required: inPath.has(field.name) || field.isRequired,
      description: field.comment,
      schema: fieldSchema(field),
    }));
  const body = Object.fromEntries(
    fields
      .filter(({ name }) => !inPath.has(name))
      .map((field) => [field.jsonName, fieldSchema(field)]),
  );
  const required = fields.filter(({ name, isRequired }) => isRequired && !inPath.has(name));
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[^A-Za-z]+(\w?)/g, (_all, letter: string) => letter.toUpperCase())}`,
    tags: [route.tag],
    summary: method.comment,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(isBody
      ? {
          requestBody: {
            required: true,
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  properties: body,
                  ...(required.length === 0 ? {} : { required: required.map((f) => f.jsonName) }),
                },
              },
            },
          },
        }
      : {}),
    responses: {
      200: {
        description: "OK",
        content: {
          "application/json": {
            schema: { $ref: `#/components/schemas/${shortName(method.output)}` },
          },
        },
      },
      default: ERROR,
    },
  };
}

/** With the fields of a message that stands in the query directly. */
function requestFields(model: ApiModel, method: MethodModel, route: Route): FieldModel[] {
  const fields = model.messages.get(method.input)?.fields ?? [];
  return fields.flatMap((field) =>
    field.name === route.flatten ? [...(model.messages.get(field.type)?.fields ?? [])] : [field],
  );
}

const NUMBERS: Readonly<Record<string, Schema>> = {
  double: { type: "number" },
  float: { type: "number" },
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", contentEncoding: "base64" },
};

function fieldSchema({ type, isRepeated, isMap, comment }: FieldModel): Schema {
  const description = comment === "" ? {} : { description: comment };
  const one: Schema = type.startsWith("rems.v1.")
    ? { $ref: `#/components/schemas/${shortName(type)}` }
    : type.startsWith("google.protobuf.FieldMask")
      ? { type: "string" }
      : (NUMBERS[type] ?? { type: "integer" });
  if (isRepeated) {
    const items = type === "double" ? { type: ["number", "null"] } : one;
    return { type: "array", items, ...description };
  }
  if (isMap) return { type: "object", additionalProperties: one, ...description };
  return { ...one, ...description };
}

function filePaths(): Record<string, Record<string, Schema>> {
  const time = (name: string) => ({
    name,
    in: "query",
    required: true,
    description: "UTC, milliseconds since 1970.",
    schema: { type: "number" },
  });
  return {
    [`${API_PREFIX}/incidents/{name}`]: {
      get: {
        operationId: "getIncidentsName",
        tags: ["Incidents"],
        summary: "A recording that this node captured, as a file.",
        parameters: [{ name: "name", in: "path", required: true, schema: { type: "string" } }],
        responses: { 200: FILE, default: ERROR },
      },
    },
    [`${API_PREFIX}/incident-export`]: {
      get: {
        operationId: "getIncidentExport",
        tags: ["Incidents"],
        summary: "What this node's journal holds of a time, as an incident file.",
        parameters: [
          time("from_wall_time_ms"),
          time("to_wall_time_ms"),
          {
            name: "grids",
            in: "query",
            description: "Empty: every grid of the node.",
            schema: { type: "array", items: { type: "string" } },
          },
        ],
        responses: { 200: FILE, default: ERROR },
      },
    },
  };
}

function eventPath(): Record<string, Record<string, Schema>> {
  const topics = ["status", "actors", "points", "leadership", "alarms"];
  return {
    [`${API_PREFIX}/events`]: {
      get: {
        operationId: "getEvents",
        tags: ["Live"],
        summary:
          "Server-sent events: `event` is the topic; data is GridStatus, WatchActorsResponse, WatchPointsResponse, WatchLeadershipResponse or WatchAlarmsResponse. Fields of those requests stand in the query.",
        parameters: [
          {
            name: "topics",
            in: "query",
            description: "Names with commas between; status,alarms where absent.",
            schema: { type: "string", examples: topics },
          },
          { name: "grid", in: "query", schema: { type: "string" } },
        ],
        responses: {
          200: {
            description: "OK",
            content: { "text/event-stream": { schema: { type: "string" } } },
          },
          default: ERROR,
        },
      },
    },
  };
}
