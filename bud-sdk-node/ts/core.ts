import { Call } from './call.js';
import { Export, type WriteOptions } from './export.js';
import { refused } from './errors.js';
import { Flow, placeOf, send, type Entry } from './flow.js';
import { List } from './list.js';
import type { NativeClient } from './native.js';
import type { CallOptions, ExportOptions, JobOptions, ListOptions } from './options.js';

type Args = Readonly<Record<string, unknown>>;

/** An entry of the registry, and how its result is read. @internal */
export interface Operation<T> extends Entry {
  readonly read: (json: never) => T;
}

/** A job: what it gives in the end, and what it tells on the way. @internal */
export interface Job<T, U> extends Operation<T> {
  readonly update: (json: never) => U;
}

/** What the generated resources call. @internal */
export class Core {
  #open: NativeClient | undefined;

  constructor(door: NativeClient) {
    this.#open = door;
  }

  /** Lets go of the connections and the session. What is under way goes on. */
  close(): void {
    this.#open = undefined;
  }

  /** Asked for as late as a call begins, so that a closed client is a rejection as every other failure is. */
  #door = (): NativeClient => {
    if (!this.#open) throw refused('', 'client', 'it is closed');
    return this.#open;
  };

  call<T>(operation: Operation<T>, args: Args, options: CallOptions | undefined): Call<T> {
    const place = placeOf(this.call);
    return new Call(send(this.#door, operation, args, options, place), operation.read);
  }

  list<T>(operation: Operation<T>, args: Args, options: ListOptions | undefined): List<T> {
    const place = placeOf(this.list);
    return new List(() => new Flow(this.#door, operation, args, options, place), operation.read);
  }

  async job<T, U>(operation: Job<T, U>, args: Args, options: JobOptions<U> | undefined): Promise<T> {
    const flow = new Flow(this.#door, operation, args, options, placeOf(this.job), 'onUpdate');
    try {
      for (;;) {
        const piece = await flow.next();
        if (piece === null) throw new Error(`${operation.id} ended without a result`);
        const told = JSON.parse(piece as string) as { update: never } | { done: never };
        if ('done' in told) return operation.read(told.done);
        options?.onUpdate?.(operation.update(told.update));
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
    options: ExportOptions | undefined,
  ): Export<D, R, P> {
    const place = placeOf(this.export);
    return new Export({
      chunks: () => new Flow(this.#door, bytes, args, options, place),
      file: (path, { overwrite, onProgress, ...more }: WriteOptions<P> = {}) =>
        this.job(file, { ...args, path, overwrite }, { ...options, ...more, onUpdate: onProgress }),
      records: () => new List(() => new Flow(this.#door, records, known(records, args), options, place), records.read),
    });
  }
}

/** Records have no format, and so do without what is about it. */
function known({ fields }: Entry, args: Args): Args {
  return Object.fromEntries(Object.entries(args).filter(([name]) => name !== 'format' || Object.hasOwn(fields, name)));
}
