import { Call } from './call.js';
import { Export, type WriteOptions } from './export.js';
import { refused, thrown, type Place } from './errors.js';
import { Flow, placeOf, send, type Handle, type Entry } from './flow.js';
import { List } from './list.js';
import type { NativeClient } from './native.js';
import { namedOptions, type CallOptions, type SignalOptions, type JobOptions, type ListOptions } from './options.js';
import { unlessAborted } from './signals.js';
import type { Args } from './values.js';

/** An entry of the registry, and how its result is read. @internal */
export interface Operation<T> extends Entry {
  readonly read: (json: never) => T;
}

/** A job: what it gives in the end, and what it tells on the way. @internal */
export interface Job<T, U> extends Operation<T> {
  readonly update: (json: never) => U;
}

const LISTENING = ['onUpdate', 'signal'];
const WRITING = ['overwrite', 'onProgress', 'signal'];

function placed<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw thrown(error, place);
  }
}

/** What the generated resources call. @internal */
export class Core {
  #open: NativeClient | undefined;

  constructor(handle: NativeClient) {
    this.#open = handle;
  }

  /** Lets go of the connections and the session. What is under way goes on. */
  close(): void {
    this.#open = undefined;
  }

  readonly #handle: Handle = () => this.#open;

  call<T>(operation: Operation<T>, args: Args, options: CallOptions | undefined): Call<T> {
    const place = placeOf(this.call);
    return new Call(operation.id, send(this.#handle, operation, args, options, place), operation.read);
  }

  list<T>(operation: Operation<T>, args: Args, options: ListOptions | undefined): List<T> {
    const place = placeOf(this.list);
    return new List(operation.id, () => new Flow(this.#handle, operation, args, options, place), operation.read);
  }

  async job<T, U>(operation: Job<T, U>, args: Args, options: JobOptions<U> | undefined): Promise<T> {
    const place = placeOf(this.job);
    const { onUpdate } = placed(place, () => namedOptions<JobOptions<U>>(operation.id, options, LISTENING));
    if (onUpdate != null && typeof onUpdate !== 'function') {
      throw thrown(refused(operation.id, 'onUpdate', 'it must be a function'), place);
    }
    const flow = new Flow(this.#handle, operation, args, options, place, 'onUpdate');
    try {
      for (;;) {
        const piece = await flow.next();
        if (piece === null) throw new Error(`${operation.id} ended without a result`);
        const told = JSON.parse(piece as string) as { update: never } | { done: never };
        if ('done' in told) return operation.read(told.done);
        // An abort does not wait for a listener that takes its time.
        await unlessAborted(flow.signal, () => onUpdate?.(operation.update(told.update)));
      }
    } finally {
      flow.cancel();
    }
  }

  export<D, R, P>(
    bytes: Entry,
    file: Job<D, P>,
    records: Operation<R>,
    args: Args,
    options: SignalOptions | undefined,
  ): Export<D, R, P> {
    const place = placeOf(this.export);
    const [params, own] = args;
    return new Export({
      chunks: () => new Flow(this.#handle, bytes, args, options, place),
      file: async (path, given) => {
        const { overwrite, onProgress, ...more } = placed(place, () => namedOptions<WriteOptions<P>>(file.id, given, WRITING));
        return this.job(file, [params, { ...own, path, overwrite }], { ...options, ...more, onUpdate: onProgress });
      },
      records: () => new List(records.id, () => new Flow(this.#handle, withoutFormat(records), args, options, place), records.read),
    });
  }
}

/** Records have no format. All else that they do not take is refused by its name. */
function withoutFormat({ id, fields }: Entry): Entry {
  return { id, fields: { format: { as: 'format', kind: 'ignored' }, ...fields } };
}
