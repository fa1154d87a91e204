/** Source of identities and jitter; seeded in the simulator. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** 128 random bits as 32 hexadecimal digits: incarnations and nonces. */
  hex128(): string;
}
