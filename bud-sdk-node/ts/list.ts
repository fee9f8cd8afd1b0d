import type { Flow } from './flow.js';
import type { Integer } from './values.js';
import { emit, type BudWarning } from './warnings.js';

/** One page of a list. */
export interface Page<T> {
  readonly items: T[];
  /** How many items the whole list has, if the server says so. */
  readonly total?: Integer;
  /** Where to go on after this page, for `cursor`; absent after the last page. */
  readonly cursor?: string;
  /** What is worth knowing of the list so far and is no error. */
  readonly warnings: readonly BudWarning[];
}

/** All items of a list, with what is worth knowing of it and is no error. */
export type Listing<T> = T[] & { readonly warnings: readonly BudWarning[] };

interface Piece {
  items: unknown[];
  warnings: BudWarning[];
  total?: Integer | null;
  cursor?: string | null;
}

type Read<T> = (json: unknown) => T;

/**
 * A list, not asked for yet. Pages are fetched as far as it is read, and each way of reading it begins anew.
 *
 * ```ts
 * for await (const user of client.users.list({ role: 'ADMIN' })) console.log(user.email);
 * ```
 *
 * The platform pages by number, so that items which appear or vanish meanwhile can be seen twice or missed.
 */
export class List<T> implements AsyncIterable<T> {
  readonly #open: () => Reader;
  readonly #read: Read<T>;

  /** @internal */
  constructor(operation: string, open: () => Flow, read: (json: never) => T) {
    this.#open = () => new Reader(operation, open());
    this.#read = read as Read<T>;
  }

  /** The list item by item. */
  [Symbol.asyncIterator](): Items<T> {
    return new Items(this.#open(), this.#read);
  }

  /** The list page by page. */
  pages(): Pages<T> {
    return new Pages(this.#open(), this.#read);
  }

  /** The whole list at once. The first error ends it, and the items before it are lost: iterate to keep them. */
  async all(): Promise<Listing<T>> {
    const reader = this.#open();
    const all: T[] = [];
    // All of it is wanted, so the next page is fetched while this one is read.
    let next = reader.next();
    try {
      for (let page = await next; page !== undefined; page = await next) {
        next = reader.next();
        for (const item of page.items) all.push(this.#read(item));
      }
    } finally {
      reader.cancel();
      await next.catch(() => undefined);
    }
    // Not shown by an inspection, and no item.
    return Object.defineProperty(all, 'warnings', { value: reader.warnings }) as Listing<T>;
  }
}

/** The pages of a list as the native part gives them. @internal */
export class Reader {
  readonly #operation: string;
  readonly #flow: Flow;
  /** What is known of the list so far. */
  warnings: readonly BudWarning[] = [];

  constructor(operation: string, flow: Flow) {
    this.#operation = operation;
    this.#flow = flow;
  }

  async next(): Promise<Piece | undefined> {
    const piece = await this.#flow.next();
    if (piece === null) return undefined;
    const page = JSON.parse(piece as string) as Piece;
    // Each page has those of the pages before it, too.
    emit(this.#operation, page.warnings.slice(this.warnings.length));
    this.warnings = page.warnings;
    return page;
  }

  cancel(): void {
    this.#flow.cancel();
  }
}

/** The pages of a list. Leaving the loop early breaks off what is under way. */
export class Pages<T> implements AsyncIterableIterator<Page<T>>, AsyncDisposable {
  readonly #reader: Reader;
  readonly #read: Read<T>;
  #cursor: string | undefined;

  /** @internal */
  constructor(reader: Reader, read: Read<T>) {
    this.#reader = reader;
    this.#read = read;
  }

  /** What is worth knowing of the list so far and is no error. */
  get warnings(): readonly BudWarning[] {
    return this.#reader.warnings;
  }

  /** Where to go on after the pages so far, for `cursor`; `undefined` before the first and after the last page. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  async next(): Promise<IteratorResult<Page<T>, undefined>> {
    const page = await this.#reader.next();
    this.#cursor = page?.cursor ?? undefined;
    if (!page) return { value: undefined, done: true };
    const { items, total, cursor, warnings } = page;
    const value = {
      items: items.map(this.#read),
      ...(total == null ? {} : { total: typeof total === 'string' ? BigInt(total) : total }),
      ...(cursor == null ? {} : { cursor }),
      warnings,
    };
    return { value, done: false };
  }

  return(): Promise<IteratorResult<Page<T>, undefined>> {
    this.#reader.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The items of a list. Leaving the loop early breaks off what is under way. */
export class Items<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #reader: Reader;
  readonly #read: Read<T>;
  #page: unknown[] = [];
  #at = 0;
  /** Whoever asks meanwhile waits behind it, so that items stay in order. */
  #fetching: Promise<IteratorResult<T, undefined>> | undefined;

  /** @internal */
  constructor(reader: Reader, read: Read<T>) {
    this.#reader = reader;
    this.#read = read;
  }

  /** What is worth knowing of the list so far and is no error. */
  get warnings(): readonly BudWarning[] {
    return this.#reader.warnings;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#fetching) return this.#queue(this.#fetching);
    if (this.#at < this.#page.length) return this.#item();
    return this.#queue(undefined);
  }

  #queue(before: Promise<unknown> | undefined): Promise<IteratorResult<T, undefined>> {
    const turn = this.#turn(before).finally(() => {
      if (this.#fetching === turn) this.#fetching = undefined;
    });
    this.#fetching = turn;
    return turn;
  }

  async #turn(before: Promise<unknown> | undefined): Promise<IteratorResult<T, undefined>> {
    // Its failure was told to whoever asked for it.
    await before?.catch(() => undefined);
    while (this.#at >= this.#page.length) {
      const page = await this.#reader.next();
      if (!page) return { value: undefined, done: true };
      [this.#page, this.#at] = [page.items, 0];
    }
    return this.#item();
  }

  async #item(): Promise<IteratorResult<T, undefined>> {
    return { value: this.#read(this.#page[this.#at++]), done: false };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#page = [];
    this.#reader.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
