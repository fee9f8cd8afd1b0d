import { closed, thrown, type Place } from './errors.js';
import { native, type NativeClient, type NativeStream } from './native.js';
import { signalOf, writeOptions, type CallOptions, type SignalOptions } from './options.js';
import { unlessAborted } from './signals.js';
import { write, type Args, type Fields } from './values.js';

/** What is asked of the native part: an entry of its registry. @internal */
export interface Entry {
  readonly id: string;
  readonly fields: Fields;
}

/** The native client, or nothing after it was closed. Looked for as late as a call begins. @internal */
export type Handle = () => NativeClient | undefined;

/** The stack at the public method that `inner` serves: a native error has none. @internal */
export function placeOf(inner: Function): Place {
  const place: Place = {};
  Error.captureStackTrace(place, inner);
  return place;
}

/** The outcome of what the native part does; its errors, and no others, become those of this package. */
async function asked<T>(work: () => T | Promise<T>, place: Place): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw thrown(error, place);
  }
}

function opened(handle: Handle, id: string): NativeClient {
  const client = handle();
  if (!client) throw closed(id);
  return client;
}

/** What a call is made of, written for the native part. */
interface Written {
  readonly signal: AbortSignal | undefined;
  readonly args: string;
  readonly options: string;
}

function written({ id, fields }: Entry, args: Args, options: SignalOptions | undefined, ...taken: string[]): Written {
  const signal = signalOf(id, options);
  return { signal, args: write(id, fields, args), options: writeOptions(id, options, 'signal', ...taken) };
}

/** Sends one call. Never throws: what is wrong with the arguments is a rejection, too. @internal */
export function send(handle: Handle, entry: Entry, args: Args, options: CallOptions | undefined, place: Place): Promise<string> {
  let call: Written;
  try {
    call = written(entry, args, options);
  } catch (error) {
    return Promise.reject(thrown(error, place));
  }
  const { id } = entry;
  if (!call.signal) return asked(() => opened(handle, id).call(id, call.args, call.options, undefined), place);
  let cancel: { cancel(): void } | undefined;
  const work = (): Promise<string> =>
    asked(() => {
      const ended = new native.Cancel();
      cancel = ended;
      return opened(handle, id).call(id, call.args, call.options, ended);
    }, place);
  return unlessAborted(call.signal, work, () => cancel?.cancel());
}

/** A stream of pieces, begun at the first look. It ends after an error, when it is cancelled, and when its signal is. @internal */
export class Flow {
  readonly #open: () => NativeStream;
  readonly #place: Place;
  /** What ends it from outside. */
  readonly signal: AbortSignal | undefined;
  #stream: NativeStream | undefined;
  #ended = false;

  constructor(handle: Handle, entry: Entry, args: Args, options: SignalOptions | undefined, place: Place, ...taken: string[]) {
    this.#place = place;
    try {
      const call = written(entry, args, options, ...taken);
      const updates = options !== undefined && 'onUpdate' in options && options.onUpdate !== undefined;
      this.signal = call.signal;
      this.#open = () => opened(handle, entry.id).stream(entry.id, call.args, call.options, updates);
    } catch (error) {
      // Thrown by the first look, as every other failure is.
      this.#open = () => {
        throw error;
      };
    }
  }

  /** The next piece; `null` at the end. */
  async next(): Promise<string | Buffer | null> {
    if (this.#ended) return null;
    try {
      const work = (): Promise<string | Buffer | null> => asked(() => this.#begun().next(), this.#place);
      const piece = await unlessAborted(this.signal, work, () => this.#stream?.cancel());
      if (piece === null) this.cancel();
      return piece;
    } catch (error) {
      // Once it was cancelled, the pieces that were under way are of no use.
      if (this.#ended) return null;
      this.cancel();
      throw error;
    }
  }

  #begun(): NativeStream {
    return (this.#stream ??= this.#open());
  }

  /** Ends it; what is under way is broken off, and its memory given back. */
  cancel(): void {
    this.#ended = true;
    this.#stream?.cancel();
    this.#stream = undefined;
  }
}
