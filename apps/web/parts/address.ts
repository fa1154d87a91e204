/** `grids/port/devices/dg1` is shown as `port/dg1`, `nodes/n1/peers/n2` as `n1/peers/n2`. */
export function heldByActor(address: string): string {
  const [root, owner, part, ...rest] = address.split("/");
  if (root !== "grids" && root !== "nodes") return address;
  if (part === "devices") return [owner, ...rest].join("/");
  return [owner, part, ...rest].filter((one) => one !== undefined).join("/");
}
