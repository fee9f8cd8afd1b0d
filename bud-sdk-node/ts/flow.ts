import { thrown, type Place } from './errors.js';
import { native, type NativeClient, type NativeStream } from './native.js';
import { signalOf, writeOptions, type CallOptions, type ExportOptions } from './options.js';
import { write, type Fields } from './values.js';

/** What is asked of the native part: an entry of its registry. @internal */
export interface Entry {
  readonly id: string;
  readonly fields: Fields;
}

/** The stack at the public method that `inner` serves: a native error has none. @internal */
export function placeOf(inner: Function): Place {
  const place: Place = {};
  Error.captureStackTrace(place, inner);
  return place;
}

/** Sends one call. Never throws: what is wrong with the arguments is a rejection, too. @internal */
export function send(
  door: () => NativeClient,
  { id, fields }: Entry,
  args: Readonly<Record<string, unknown>>,
  options: CallOptions | undefined,
  place: Place,
): Promise<string> {
  try {
    const signal = signalOf(id, options);
    const written = write(id, fields, args);
    const wishes = writeOptions(id, options, 'signal');
    if (!signal) {
      return door().call(id, written, wishes, undefined).catch((error: unknown) => Promise.reject(thrown(error, place)));
    }
    signal.throwIfAborted();
    const cancel = new native.Cancel();
    return unlessAborted(signal, () => door().call(id, written, wishes, cancel), () => cancel.cancel(), place);
  } catch (error) {
    return Promise.reject(thrown(error, place));
  }
}

/** The outcome of `work`, or the signal's reason as soon as it is aborted. */
function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>, stop: () => void, place: Place): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason);
      stop();
    };
    const done = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    // What it throws at once is a rejection as any other.
    (async () => work())().then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(thrown(error, place));
      },
    );
  });
}

/** A stream of pieces, begun at the first look. It ends after an error, when it is cancelled, and when its signal is. @internal */
export class Flow {
  readonly #open: () => NativeStream;
  readonly #signal: AbortSignal | undefined;
  readonly #place: Place;
  #stream: NativeStream | undefined;
  #ended = false;

  constructor(
    door: () => NativeClient,
    { id, fields }: Entry,
    args: Readonly<Record<string, unknown>>,
    options: ExportOptions | undefined,
    place: Place,
    ...taken: string[]
  ) {
    this.#place = place;
    try {
      this.#signal = signalOf(id, options);
      const written = write(id, fields, args);
      const wishes = writeOptions(id, options, 'signal', ...taken);
      const updates = options !== undefined && 'onUpdate' in options && options.onUpdate !== undefined;
      this.#open = () => door().stream(id, written, wishes, updates);
    } catch (error) {
      // Told to whoever takes the first piece, as every other failure is.
      this.#open = () => {
        throw error;
      };
    }
  }

  /** The next piece; `null` at the end. */
  async next(): Promise<string | Buffer | null> {
    if (this.#ended) return null;
    const signal = this.#signal;
    try {
      signal?.throwIfAborted();
      const stream = (this.#stream ??= this.#open());
      const piece = signal
        ? await unlessAborted(signal, () => stream.next(), () => stream.cancel(), this.#place)
        : await stream.next();
      if (piece === null) this.cancel();
      return piece;
    } catch (error) {
      // Whoever ended it has no use for the pieces that were under way.
      if (this.#ended) return null;
      this.cancel();
      throw thrown(error, this.#place);
    }
  }

  /** Ends it; what is under way is broken off, and its memory given back. */
  cancel(): void {
    this.#ended = true;
    this.#stream?.cancel();
    this.#stream = undefined;
  }
}
