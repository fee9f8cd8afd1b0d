import { refused } from './errors.js';
import { write, type Fields } from './values.js';

/** What every call takes as its last argument. Times are in milliseconds. */
export interface CallOptions {
  /** The longest time that it may take with all its attempts and waiting, in milliseconds. 60,000. */
  readonly timeout?: number | undefined;
  /** The longest time that one attempt may take, in milliseconds. 30,000. */
  readonly attemptTimeout?: number | undefined;
  /** How often it may be tried, the first time included; 1 means that nothing is repeated. 3. */
  readonly attempts?: number | undefined;
  /** Further headers. Credentials, framing and idempotency keys are refused. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Ends it: the call is rejected with the signal's reason, and its request is broken off. */
  readonly signal?: AbortSignal | undefined;
}

/** What is more than one call takes as its last argument: what is done on a cluster, and with the session. */
export type WorkOptions = Pick<CallOptions, 'timeout' | 'signal'>;

/** What a list takes as its last argument. `timeout` is the longest time for one page. */
export interface ListOptions extends Omit<CallOptions, 'attempts' | 'attemptTimeout'> {
  /** How many items to ask for at a time, from 1 to 1000. 100. */
  readonly limit?: number | undefined;
  /** How many pages may be asked for at the same time, from 1 to 16, once the server has said how many there are. 1. */
  readonly inFlight?: number | undefined;
  /** Goes on where a list broke off: the `cursor` of its error or of a page. */
  readonly startingAt?: string | undefined;
}

/** What an export takes as its last argument. */
export interface ExportOptions {
  /** Ends it: what is under way is rejected with the signal's reason, and its request is broken off. */
  readonly signal?: AbortSignal | undefined;
}

/** What a job takes as its last argument. */
export interface JobOptions<U> extends ExportOptions {
  /** Is told how it goes. What it throws ends the job. */
  readonly onUpdate?: ((update: U) => void) | undefined;
}

const OPTIONS: Fields = {
  timeout: { as: 'timeout', kind: 'seconds' },
  attemptTimeout: { as: 'attempt_timeout', kind: 'seconds' },
  attempts: { as: 'attempts', kind: 'int' },
  headers: { as: 'headers', kind: { of: 'text' } },
  limit: { as: 'limit', kind: 'int' },
  inFlight: { as: 'in_flight', kind: 'int' },
  startingAt: { as: 'starting_at', kind: 'text' },
};

/** Writes options for the native part; `taken` are those that are for us. @internal */
export function writeOptions(operation: string, options: object | undefined, ...taken: string[]): string {
  if (options === undefined) return '{}';
  if (typeof options !== 'object' || options === null) throw refused(operation, 'options', 'it must be an object');
  const others = Object.entries(options).filter(([name]) => !taken.includes(name));
  return write(operation, OPTIONS, Object.fromEntries(others));
}

/** The signal among the options, checked. @internal */
export function signalOf(operation: string, options: ExportOptions | undefined): AbortSignal | undefined {
  const signal = options?.signal ?? undefined;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused(operation, 'signal', 'it must be an AbortSignal');
  }
  return signal;
}
