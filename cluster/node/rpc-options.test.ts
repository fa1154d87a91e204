import { expect, it } from "vitest";
import { parseEndpoint, targetOf } from "./rpc-options.ts";

it.each([
  ["127.0.0.1:7400", { host: "127.0.0.1", port: 7400 }],
  ["bridge.local:1", { host: "bridge.local", port: 1 }],
  ["[::1]:65535", { host: "::1", port: 65_535 }],
])("reads %s, and writes it the same", (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
  expect(targetOf(endpoint)).toBe(text);
});

it.each([
  "",
  "localhost",
  "localhost:",
  ":7400",
  "a:0",
  "a:65536",
  "http://a:1",
  "::1:7400",
  "a b:1",
])('refuses "%s"', (text) => {
  expect(() => parseEndpoint(text)).toThrow(
    expect.objectContaining({ code: "REMS_CONFIG_INVALID" }),
  );
});
