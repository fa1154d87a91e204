import type { ChildSpec, ExitReason, SupervisorSpec } from "./supervisor.ts";

/**
 * OTP's rules once more, in another form, for the tests: like OTP's own supervisor it does everything at once and waits
 * for nobody, so there are no states in between. Every act is noted in `trace`.
 */
export class SupervisorModel {
  readonly trace: string[] = [];
  isDown = false;
  #children: { spec: ChildSpec; isAlive: boolean; isHeld: boolean }[] = [];
  #restartsAtMs: number[] = [];
  readonly #spec: SupervisorSpec;

  constructor(spec: SupervisorSpec, children: readonly ChildSpec[]) {
    this.#spec = spec;
    for (const child of children) this.add(child);
  }

  alive(): string[] {
    return this.#children.filter((child) => child.isAlive).map((child) => child.spec.id);
  }

  dead(): string[] {
    return this.#children.filter((child) => !child.isAlive).map((child) => child.spec.id);
  }

  add(spec: ChildSpec): void {
    this.#children.push({ spec, isAlive: false, isHeld: false });
    this.#startDead([spec.id]);
  }

  hold(id: string): void {
    for (const child of this.#children) if (child.spec.id === id) child.isHeld = true;
    this.#end([id]);
    this.#forgetTemporary([id]);
  }

  start(id: string): void {
    for (const child of this.#children) if (child.spec.id === id) child.isHeld = false;
    this.#startDead([id]);
  }

  remove(id: string): void {
    this.#children = this.#children.filter((child) => child.spec.id !== id);
  }

  stop(cause: string): void {
    this.#end(this.#ids());
    this.trace.push(`exit ${cause}`);
    this.isDown = true;
  }

  exit(id: string, reason: ExitReason, nowMs: number): void {
    const child = this.#children.find((candidate) => candidate.spec.id === id);
    if (child === undefined) return;
    child.isAlive = false;
    const { restart } = child.spec;
    if (restart === "temporary") this.remove(id);
    if (restart === "temporary" || (restart === "transient" && reason !== "crashed")) return;
    this.#restartsAtMs = this.#restartsAtMs.filter((atMs) => atMs >= nowMs - this.#spec.periodMs);
    this.#restartsAtMs.push(nowMs);
    if (this.#restartsAtMs.length > this.#spec.intensityCount) {
      this.stop("intensity");
      return;
    }
    const ids = this.#ids();
    const affected = {
      one_for_one: [id],
      one_for_all: ids,
      rest_for_one: ids.slice(ids.indexOf(id)),
    }[this.#spec.strategy];
    this.#end(affected);
    this.#forgetTemporary(affected);
    this.#startDead(affected);
  }

  #ids(): string[] {
    return this.#children.map((child) => child.spec.id);
  }

  #end(ids: readonly string[]): void {
    for (const child of this.#children.toReversed()) {
      if (!child.isAlive || !ids.includes(child.spec.id)) continue;
      child.isAlive = false;
      this.trace.push(`end ${child.spec.id}`);
    }
  }

  #forgetTemporary(ids: readonly string[]): void {
    this.#children = this.#children.filter(
      (child) => child.spec.restart !== "temporary" || !ids.includes(child.spec.id),
    );
  }

  #startDead(ids: readonly string[]): void {
    for (const child of this.#children) {
      if (child.isAlive || child.isHeld || !ids.includes(child.spec.id)) continue;
      child.isAlive = true;
      this.trace.push(`start ${child.spec.id}`);
    }
  }
}
