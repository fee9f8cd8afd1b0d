/**
 * Arguments on their way to the native part: checked and written as it wants them.
 */

import { types } from 'node:util';

import { refused } from './errors.js';
import { isOpaque, isPlain, json, placeOf, unboxed, type Refuse } from './json.js';
import { isSecret } from './secret.js';

/** An id, or something that has one. */
export type Id = string | { readonly id: string };

/** A whole number. Beyond 2^53 it comes as a `bigint`, so that nothing is rounded. */
export type Integer = number | bigint;

/** A moment: a `Date`, or an RFC 3339 text. */
export type Time = Date | string;

/** Values by name: an object, or what gives pairs, as a `Map`, `Headers` and `URLSearchParams` do. */
export type Named<T> = Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

/** How a value is written; `[kind]` is a list, `{ of: kind }` a map. What is `ignored` is another operation's. @internal */
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
  | 'ignored'
  | readonly [Kind]
  | { readonly of: Kind };

/** Fields by their name here. @internal */
export interface Fields {
  readonly [name: string]: { readonly as: string; readonly kind: Kind };
}

/** The arguments of a call: those that the caller gave as one object, and those that were parameters of their own. @internal */
export type Args = readonly [params: unknown, own?: Readonly<Record<string, unknown>>];

/**
 * Writes the arguments of an operation as JSON. The native part checks them, so that all languages refuse the same in the
 * same words; refused here is only what JSON cannot carry. `what` names the object that they are in. @internal
 */
export function write(operation: string, fields: Fields, [params, own = {}]: Args, what = 'params'): string {
  const parts: string[] = [];
  const given = propertiesOf(params, Object.keys(fields), (message) => refused(operation, what, message));
  for (const [name, value] of [...given.filter(([name]) => !Object.hasOwn(own, name)), ...Object.entries(own)]) {
    const refuse: Refuse = (message, below) => refused(operation, name + below, message);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw refuse('there is no such argument', '');
    if (value !== undefined && field.kind !== 'ignored') parts.push(`${JSON.stringify(field.as)}:${written(value, field.kind, refuse)}`);
  }
  const twice = given.find(([name, value]) => Object.hasOwn(own, name) && value !== undefined);
  if (twice) throw refused(operation, twice[0], 'it is given twice');
  return `{${parts.join(',')}}`;
}

/**
 * What an object has, by name. Of instances of classes also what they inherit under a name that is looked for. What keeps its
 * contents elsewhere, as a Map does, is refused: it would be taken for empty. @internal
 */
export function propertiesOf(value: unknown, names: readonly string[], refuse: (message: string) => Error): [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object' || isOpaque(value)) throw refuse('it must be an object with properties');
  const found = Object.entries(value);
  if (isPlain(value)) return found;
  const inherited = names.filter((name) => name in value && !Object.hasOwn(value, name) && !(name in {}));
  const all = [...found, ...inherited.map((name): [string, unknown] => [name, (value as Record<string, unknown>)[name]])];
  if (all.length === 0) throw refuse('it must be an object with properties');
  return all;
}

function written(given: unknown, kind: Kind, refuse: Refuse): string {
  const value = unboxed(given);
  if (typeof kind === 'object') {
    if (typeof value !== 'object' || value === null || isSecret(value)) return json(value, refuse);
    return 'of' in kind ? map(value, kind.of, refuse) : list(value, kind[0], refuse);
  }
  switch (kind) {
    case 'seconds':
      return json(typeof value === 'number' || typeof value === 'bigint' ? Number(value) / 1000 : value, refuse);
    case 'secret':
    case 'json':
      return json(value, refuse, true);
    case 'id':
      return json(identified(value), refuse);
    default:
      return json(value, refuse);
  }
}

/** The id of what has one. */
function identified(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isSecret(value) || !('id' in value)) return value;
  return value.id;
}

function list(value: object, kind: Kind, refuse: Refuse): string {
  const items: unknown = types.isSet(value) ? [...value] : value;
  if (!Array.isArray(items)) return json(value, refuse);
  const inside = (at: number): Refuse => (message, below) => refuse(message, `[${at}]${below}`);
  return `[${Array.from(items, (item, at) => written(item, kind, inside(at))).join(',')}]`;
}

function map(value: object, kind: Kind, refuse: Refuse): string {
  const parts = new Map<string, string>();
  for (const [name, item] of pairs(value, refuse)) {
    const inside: Refuse = (message, below) => refuse(message, `${placeOf(name)}${below}`);
    if (item === undefined) continue;
    if (parts.has(name)) throw inside('it is given twice', '');
    parts.set(name, `${json(name, inside)}:${written(item, kind, inside)}`);
  }
  return `{${[...parts.values()].join(',')}}`;
}

/** What a map is given as: an object, or an iterable of pairs. */
function pairs(value: object, refuse: Refuse): [string, unknown][] {
  const wrong = (): Error => refuse('it must be an object, or pairs of a name and a value', '');
  if (Symbol.iterator in value) {
    const given = Array.from(value as Iterable<unknown>);
    if (!given.every(isPair)) throw wrong();
    return given;
  }
  const fields = Object.entries(value);
  if (isOpaque(value) || (fields.length === 0 && !isPlain(value))) throw wrong();
  return fields;
}

function isPair(pair: unknown): pair is [string, unknown] {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string';
}
