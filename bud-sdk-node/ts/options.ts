import { refused } from './errors.js';
import { isSignal } from './signals.js';
import { propertiesOf, write, type Fields, type Named } from './values.js';

/** What every call takes as its last argument. Times are in milliseconds. */
export interface CallOptions {
  /** The longest time that it may take with all its attempts and waiting, in milliseconds. 60,000. */
  readonly timeout?: number | undefined;
  /** The longest time that one attempt may take, in milliseconds. 30,000. */
  readonly attemptTimeout?: number | undefined;
  /** How often it may be tried, the first time included; 1 means that nothing is repeated. 3. */
  readonly attempts?: number | undefined;
  /** Further headers. Credentials, framing and idempotency keys are refused. */
  readonly headers?: Named<string> | undefined;
  /** Ends it: the call is rejected with the signal's reason, and its request is broken off. */
  readonly signal?: AbortSignal | undefined;
}

/** What is more than one call takes as its last argument: what is done on a cluster, and with the session. */
export type TimeoutOptions = Pick<CallOptions, 'timeout' | 'signal'>;

/** What a list takes as its last argument. `timeout` is the longest time for one page. */
export interface ListOptions extends Omit<CallOptions, 'attempts' | 'attemptTimeout'> {
  /** How many items to ask for at a time, from 1 to 1000. 100. */
  readonly pageSize?: number | undefined;
  /** How many pages may be asked for at the same time, from 1 to 16, once the server has said how many there are. 1. */
  readonly concurrency?: number | undefined;
  /** Goes on where a list broke off: the `cursor` of its error or of a page. */
  readonly cursor?: string | undefined;
}

/** What an export, and a wait with a `timeout` of its own, takes as its last argument. */
export interface SignalOptions {
  /** Ends it: what is under way is rejected with the signal's reason, and its request is broken off. */
  readonly signal?: AbortSignal | undefined;
}

/** What a job takes as its last argument. */
export interface JobOptions<U> extends SignalOptions {
  /** Called with each update; what it returns is awaited before the next. What it throws or rejects with ends the job. */
  readonly onUpdate?: ((update: U) => unknown) | undefined;
}

const OPTIONS: Fields = {
  timeout: { as: 'timeout', kind: 'seconds' },
  attemptTimeout: { as: 'attempt_timeout', kind: 'seconds' },
  attempts: { as: 'attempts', kind: 'int' },
  headers: { as: 'headers', kind: { of: 'text' } },
  pageSize: { as: 'page_size', kind: 'int' },
  concurrency: { as: 'concurrency', kind: 'int' },
  cursor: { as: 'cursor', kind: 'text' },
};

/** Writes options for the native part; `taken` are those that are for us. @internal */
export function writeOptions(operation: string, options: object | undefined, ...taken: string[]): string {
  if (options === undefined || options === null) return '{}';
  const others: Fields = { ...OPTIONS, ...Object.fromEntries(taken.map((name) => [name, { as: name, kind: 'ignored' }])) };
  return write(operation, others, [options], 'options');
}

/** The options by name, those of these names also where an instance of a class inherits them. @internal */
export function namedOptions<T>(operation: string, options: T | undefined, names: readonly string[]): Partial<T> {
  const refuse = (message: string): Error => refused(operation, 'options', message);
  return Object.fromEntries(propertiesOf(options, names, refuse)) as Partial<T>;
}

/** The signal among the options, checked. @internal */
export function signalOf(operation: string, options: SignalOptions | undefined): AbortSignal | undefined {
  const signal: unknown = options?.signal ?? undefined;
  if (signal === undefined || isSignal(signal)) return signal;
  throw refused(operation, 'signal', 'it must be an AbortSignal');
}
