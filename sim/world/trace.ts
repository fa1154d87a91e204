/** What happened, line by line, and a hash over it: two runs of one seed give the same. */
export class Trace {
  readonly lines: string[] = [];
  readonly #isKept: boolean;
  #a = 0x811c9dc5;
  #b = 0x1b873593;

  /** @param isKept - Whether the lines are kept; the hash is the same either way. */
  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  add(atMs: number, who: string, text: string): void {
    const line = `${atMs.toFixed(3).padStart(12)} ${who.padEnd(8)} ${text}`;
    this.note(line);
    if (this.#isKept) this.lines.push(line);
  }

  /** Goes into the hash only. FNV-1a, and the same with another start and prime, so that 64 bits tell two runs apart. */
  note(text: string): void {
    let a = this.#a;
    let b = this.#b;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13);
    }
    this.#a = a;
    this.#b = b;
  }

  hash(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
    return hex(this.#a) + hex(this.#b);
  }
}
