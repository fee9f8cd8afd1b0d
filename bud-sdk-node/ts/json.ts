/**
 * Values as JSON text. What JSON cannot carry is refused, never left out and never changed.
 */

import { types } from 'node:util';

import { isSecret } from './secret.js';

/** Makes the error that refuses a value; `below` is the place inside of the argument: `[3].name`. @internal */
export type Refuse = (message: string, below: string) => Error;

/** The native part reads up to 128 levels, the argument itself included. */
const DEEPEST = 100;
const LARGEST = 2n ** 64n - 1n;
const SMALLEST = -(2n ** 63n);

/** The value as JSON. Secrets are exposed only where `secrets` says so. @internal */
export function json(value: unknown, refuse: Refuse, secrets = false): string {
  return new Writer(refuse, secrets).value(value, '', []);
}

/** `.name`, or `["a name"]`. @internal */
export function placeOf(name: string): string {
  return /^[\w$-]{1,60}$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, 60))}]`;
}

/** The primitive inside of `new String('x')` and the like. @internal */
export function unboxed(value: unknown): unknown {
  return types.isBoxedPrimitive(value) ? value.valueOf() : value;
}

/** An object literal of any realm, or one without a prototype. @internal */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty');
}

/** Whether it has its contents elsewhere than in properties: a Map, Headers, a Date, bytes, a promise. @internal */
export function isOpaque(value: object): boolean {
  if (Symbol.iterator in value || types.isDate(value) || types.isRegExp(value) || types.isAnyArrayBuffer(value)) return true;
  return !isPlain(value) && typeof (value as { then?: unknown }).then === 'function';
}

class Writer {
  readonly #refuse: Refuse;
  readonly #secrets: boolean;

  constructor(refuse: Refuse, secrets: boolean) {
    this.#refuse = refuse;
    this.#secrets = secrets;
  }

  value(given: unknown, place: string, above: readonly object[]): string {
    const value = unboxed(given);
    switch (typeof value) {
      case 'string':
        return this.#text(value, place);
      case 'number':
        if (!Number.isFinite(value)) throw this.#refuse('it must be a finite number', place);
        return JSON.stringify(value);
      case 'bigint':
        if (value > LARGEST || value < SMALLEST) throw this.#refuse('it is larger than 64 bits', place);
        return value.toString();
      case 'boolean':
        return String(value);
      case 'object':
        return value === null ? 'null' : this.#object(value, place, above);
      default:
        throw this.#refuse(`it cannot be ${typeof value === 'undefined' ? '' : 'a '}${typeof value}`, place);
    }
  }

  #text(value: string, place: string): string {
    if (!value.isWellFormed()) throw this.#refuse('it has half of a surrogate pair', place);
    return JSON.stringify(value);
  }

  #object(value: object, place: string, above: readonly object[]): string {
    if (above.includes(value)) throw this.#refuse('it contains itself', place);
    if (above.length >= DEEPEST) throw this.#refuse(`it is nested deeper than ${DEEPEST} levels`, place);
    const inside = [...above, value];
    if (isSecret(value)) {
      if (!this.#secrets) throw this.#refuse('it takes no secret', place);
      return this.#text(value.expose(), place);
    }
    if (types.isDate(value)) return this.#moment(value, place);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
      throw this.#refuse('bytes cannot be written as JSON: encode them as text', place);
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.value(toJSON.call(value, ''), place, inside);
    if (Array.isArray(value)) return this.#items(value, place, inside);
    if (types.isSet(value)) return this.#items([...value], place, inside);
    if (types.isMap(value)) return this.#fields([...value], place, inside);
    const fields = Object.entries(value);
    if (isOpaque(value) || (fields.length === 0 && !isPlain(value))) {
      const why = typeof (value as { then?: unknown }).then === 'function' ? 'it is a promise: await it' : 'it cannot be written as JSON';
      throw this.#refuse(why, place);
    }
    return this.#fields(fields, place, inside);
  }

  #moment(value: Date, place: string): string {
    if (Number.isNaN(value.getTime())) throw this.#refuse('it is an invalid Date', place);
    return JSON.stringify(value.toISOString());
  }

  #items(items: readonly unknown[], place: string, above: readonly object[]): string {
    // Holes are undefined here, and refused.
    return `[${Array.from(items, (item, at) => this.value(item, `${place}[${at}]`, above)).join(',')}]`;
  }

  #fields(fields: readonly [unknown, unknown][], place: string, above: readonly object[]): string {
    const written: string[] = [];
    for (const [name, value] of fields) {
      if (typeof name !== 'string') throw this.#refuse('its keys must be text', place);
      const below = place + placeOf(name);
      if (value !== undefined) written.push(`${this.#text(name, below)}:${this.value(value, below, above)}`);
    }
    return `{${written.join(',')}}`;
  }
}
