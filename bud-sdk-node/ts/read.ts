/**
 * How results are read: what the generated readers share.
 */

import type { Integer } from './values.js';

/** An object as `JSON.parse` gives it. The native part has checked its shape. @internal */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Wire = any;

/** Fields that this version does not know, as the server sent them. */
export type Extra = Readonly<Record<string, unknown>>;

/** A model that is being made. @internal */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** What stands beside the known fields. @internal */
export function extraOf(json: Record<string, unknown>, known: ReadonlySet<string>): Extra | undefined {
  let extra: Record<string, unknown> | undefined;
  // All known fields are always there, so that nearly always a look at their number is enough.
  const names = Object.keys(json);
  if (names.length === known.size) return undefined;
  for (const name of names) {
    if (!known.has(name)) (extra ??= {})[name] = json[name];
  }
  return extra;
}

/** A map with its values read. @internal */
export function mapOf<T>(map: Record<string, Wire>, read: (value: Wire) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, read(value)]));
}

/** A whole number; one that passes 2^53 comes as text. @internal */
export function whole(value: number | string): Integer {
  return typeof value === 'string' ? BigInt(value) : value;
}

/** A number; JSON has neither NaN nor infinities, so that they come as text. @internal */
export function float(value: number | string): number {
  return typeof value === 'number' ? value : Number(value.replace('Inf', 'Infinity'));
}

/**
 * A moment as the core writes it: `2026-01-02T03:04:05.678901Z`. Half the time of reading a list of users would go into `new
 * Date(text)`, which knows every other form, too. @internal
 */
export function moment(text: string): Date {
  const common = text.length >= 20 && text[0] !== '0' && text[10] === 'T' && text.endsWith('Z');
  if (!common) return new Date(text);
  const two = (at: number): number => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
  const digit = (at: number): number => (at < text.length - 1 ? text.charCodeAt(at) - 48 : 0);
  const milliseconds = text.length > 20 ? digit(20) * 100 + digit(21) * 10 + digit(22) : 0;
  return new Date(Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8), two(11), two(14), two(17), milliseconds));
}

/** A reader of an open enumeration: every known spelling becomes the one that is the same on every API. @internal */
export function open<T extends string>(values: Readonly<Record<string, readonly string[]>>): (text: string) => T {
  const known = new Map<string, string>();
  for (const [value, aliases] of Object.entries(values)) {
    for (const spelling of [value, ...aliases]) known.set(spelling.toLowerCase(), value);
  }
  return (text) => (Object.hasOwn(values, text) ? text : (known.get(text.toLowerCase()) ?? text)) as T;
}

/** @internal */
export function asItIs<T>(value: T): T {
  return value;
}

/** @internal */
export function nothing(): void {}
