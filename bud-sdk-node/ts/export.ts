import { Readable } from 'node:stream';
import { ReadableStream as WebStream } from 'node:stream/web';

import type { Flow } from './flow.js';
import type { List } from './list.js';
import type { JobOptions } from './options.js';

/** What `writeTo` takes. */
export interface WriteOptions<P> extends Omit<JobOptions<P>, 'onUpdate'> {
  /** Replaces a file that is there already, which is refused otherwise. */
  readonly overwrite?: boolean | undefined;
  /** Called with each progress; what it returns is awaited before the next. What it throws or rejects with ends the export. */
  readonly onProgress?: ((progress: P) => unknown) | undefined;
}

/** The three ways of an export, as the generated code makes them. @internal */
export interface Ways<D, R, P> {
  chunks: () => Flow;
  file: (path: string, options: WriteOptions<P> | undefined) => Promise<D>;
  records: () => List<R>;
}

/**
 * An export, not asked for yet. It is received as far as it is read, so that a slow reader slows the server down and
 * memory stays flat; each way of reading it begins anew.
 *
 * ```ts
 * const done = await client.audit.export({ start, end }).writeTo('audit.csv');
 * await pipeline(client.audit.export({ start, end }).readable(), response);
 * return new Response(client.audit.export({ start, end }).stream());
 * ```
 *
 * An error on the way means that what came before it is not all. Cells are the server's, byte for byte: some may begin with `=`.
 */
export class Export<D, R, P> implements AsyncIterable<Uint8Array> {
  readonly #ways: Ways<D, R, P>;

  /** @internal */
  constructor(ways: Ways<D, R, P>) {
    this.#ways = ways;
  }

  /** The bytes as they come. */
  [Symbol.asyncIterator](): Chunks {
    return new Chunks(this.#ways.chunks());
  }

  /** The bytes as a web stream. Cancelling it breaks the download off. */
  stream(): ReadableStream<Uint8Array> {
    const flow = this.#ways.chunks();
    // Test environments of browsers have no global one.
    const stream = new WebStream<Uint8Array>(
      {
        async pull(controller) {
          const chunk = await flow.next();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk as Buffer);
        },
        cancel() {
          flow.cancel();
        },
      },
      // Nothing is asked for before somebody reads.
      { highWaterMark: 0 },
    );
    return stream as ReadableStream<Uint8Array>;
  }

  /** The bytes as a stream of Node's. Destroying it breaks the download off. */
  readable(): Readable {
    const flow = this.#ways.chunks();
    return new Readable({
      read() {
        flow.next().then(
          (chunk) => this.push(chunk),
          (error: Error) => this.destroy(error),
        );
      },
      destroy(error, done) {
        flow.cancel();
        done(error);
      },
    });
  }

  /** Writes it into a file, which appears under its name only when it is whole and on disk. */
  writeTo(path: string, options?: WriteOptions<P>): Promise<D> {
    return this.#ways.file(path, options);
  }

  /** The same as typed records, one at a time, with no more memory for a year than for a day. */
  records(): List<R> {
    return this.#ways.records();
  }
}

/** The bytes of an export. Leaving the loop early breaks the download off. */
export class Chunks implements AsyncIterableIterator<Uint8Array>, AsyncDisposable {
  readonly #flow: Flow;

  /** @internal */
  constructor(flow: Flow) {
    this.#flow = flow;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = await this.#flow.next();
    return chunk === null ? { value: undefined, done: true } : { value: chunk as Buffer, done: false };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#flow.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
