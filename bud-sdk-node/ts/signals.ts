/**
 * Signals that end what is under way. Any object that behaves as an `AbortSignal` will do: test environments and polyfills have
 * classes of their own.
 */

/** One listener a signal, however many calls it is given to, and none while nothing is under way. */
interface Watch {
  readonly listener: () => void;
  readonly stops: Set<() => void>;
}

const watched = new WeakMap<AbortSignal, Watch>();

/** Whether it behaves as an `AbortSignal`. @internal */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

/** Why it was aborted: the caller's own object, untouched. @internal */
export function reasonOf(signal: AbortSignal): unknown {
  // Old polyfills keep no reason.
  return signal.reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : signal.reason;
}

/** The outcome of `work`, or the signal's reason as soon as it is aborted, when `stop` is called. @internal */
export function unlessAborted<T>(signal: AbortSignal | undefined, work: () => T | PromiseLike<T>, stop?: () => void): Promise<T> {
  if (!signal) return (async () => work())();
  if (signal.aborted) return Promise.reject(reasonOf(signal));
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      reject(reasonOf(signal));
      stop?.();
    };
    watch(signal, abort);
    // What it throws at once is a rejection as any other.
    (async () => work())().then(resolve, reject).finally(() => unwatch(signal, abort));
  });
}

function watch(signal: AbortSignal, stop: () => void): void {
  let found = watched.get(signal);
  if (!found) {
    const stops = new Set<() => void>();
    const listener = (): void => {
      watched.delete(signal);
      signal.removeEventListener('abort', listener);
      for (const each of stops) each();
    };
    found = { listener, stops };
    signal.addEventListener('abort', listener);
    watched.set(signal, found);
  }
  found.stops.add(stop);
}

function unwatch(signal: AbortSignal, stop: () => void): void {
  const found = watched.get(signal);
  if (!found?.stops.delete(stop) || found.stops.size > 0) return;
  watched.delete(signal);
  signal.removeEventListener('abort', found.listener);
}
