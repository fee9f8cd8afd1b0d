/**
 * Arguments on their way to the native part: checked and written as it wants them.
 */

import { refused } from './errors.js';
import { Secret } from './secret.js';

/** An id, or something that has one. */
export type Id = string | { readonly id: string };

/** A whole number. Beyond 2^53 it comes as a `bigint`, so that nothing is rounded. */
export type Integer = number | bigint;

/** A moment: a `Date`, or an RFC 3339 text. */
export type Time = Date | string;

/** How a value is written; `[kind]` is a list, `{ of: kind }` a map. @internal */
export type Kind =
  | 'text'
  | 'bool'
  | 'int'
  | 'float'
  | 'time'
  | 'seconds'
  | 'secret'
  | 'id'
  | 'json'
  | readonly [Kind]
  | { readonly of: Kind };

/** Fields by their name here. @internal */
export interface Fields {
  readonly [name: string]: { readonly as: string; readonly kind: Kind };
}

/**
 * Writes the arguments of an operation as JSON. The native part checks them, so that all languages refuse the same in the
 * same words; refused here is only what JSON cannot carry. @internal
 */
export function write(operation: string, fields: Fields, values: Readonly<Record<string, unknown>>): string {
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const refuse: Refuse = (message, below) => refused(operation, name + below, message);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw refuse('there is no such argument', '');
    if (value !== undefined) written[field.as] = convert(value, field.kind, refuse);
  }
  return JSON.stringify(written);
}

type Refuse = (message: string, below: string) => Error;

function convert(value: unknown, kind: Kind, refuse: Refuse): unknown {
  if (typeof kind === 'object' && 'of' in kind) return plain(value) ? each(value, kind.of, refuse) : carried(value, refuse);
  if (typeof kind === 'object') {
    const inside = (at: number): Refuse => (message, below) => refuse(message, `[${at}]${below}`);
    return Array.isArray(value) ? value.map((item, at) => convert(item, kind[0], inside(at))) : carried(value, refuse);
  }
  switch (kind) {
    case 'time':
      return carried(value instanceof Date ? moment(value, refuse) : value, refuse);
    case 'seconds':
      return carried(typeof value === 'number' ? value / 1000 : value, refuse);
    case 'secret':
      return carried(value instanceof Secret ? value.expose() : value, refuse);
    case 'id':
      return carried(plain(value) && 'id' in value ? value['id'] : value, refuse);
    default:
      return carried(value, refuse);
  }
}

/** The value, if JSON can carry it as it is. */
function carried(value: unknown, refuse: Refuse): unknown {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refuse('it has half of a surrogate pair', '');
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw refuse('it must be a finite number', '');
      return value;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
    case 'boolean':
      return value;
    case 'object': {
      if (value === null) return null;
      if (value instanceof Secret) throw refuse('it takes no secret', '');
      return contents(value, refuse);
    }
    default:
      throw refuse(`it cannot be a ${typeof value}`, '');
  }
}

/** What JSON makes of an object. */
function contents(value: object, refuse: Refuse): unknown {
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // A cycle or a bigint; the message may show what is in it.
  }
  throw refuse('it cannot be written as JSON', '');
}

function moment(value: Date, refuse: Refuse): string {
  if (Number.isNaN(value.getTime())) throw refuse('it is an invalid Date', '');
  return value.toISOString();
}

function each(map: Record<string, unknown>, kind: Kind, refuse: Refuse): Record<string, unknown> {
  const inside = (at: string): Refuse => (message, below) => refuse(message, `.${at}${below}`);
  const given = Object.entries(map).filter(([, item]) => item !== undefined);
  return Object.fromEntries(given.map(([name, item]) => [name, convert(item, kind, inside(name))]));
}

function plain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}
