import { inspect } from 'node:util';

/** Marks secrets of every copy of this package: `instanceof` knows those of one copy only. */
const MARK: unique symbol = Symbol.for('bud-sdk-node.secret') as never;

/** A password, token or key. Printing, copying or serializing it does not show it; `expose()` does. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. Each use of this is a place where it can leak. */
  expose(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return 'Secret(***)';
  }
}

Object.defineProperty(Secret.prototype, MARK, { value: true });

/** Whether this is a secret, also one of another copy of this package. @internal */
export function isSecret(value: object): value is Secret {
  return MARK in value && typeof (value as { expose?: unknown }).expose === 'function';
}
