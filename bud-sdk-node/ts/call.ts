import { emit, type BudWarning } from './warnings.js';

/** What is known of the answer besides its content. */
export interface ResponseInfo {
  /** The HTTP status, if there was an answer. */
  readonly status?: number;
  /** The server's id of the request, for its operators. */
  readonly requestId?: string;
  /** How many times the request was sent. */
  readonly attempts: number;
  /** Milliseconds from the call to its result, waiting between attempts included. */
  readonly elapsed: number;
}

/** A result, and what is known of the answer that it came from. */
export interface WithResponse<T> {
  readonly data: T;
  readonly response: ResponseInfo;
  /** What is worth knowing of the result and is no error. */
  readonly warnings: readonly BudWarning[];
}

interface Answer {
  value: unknown;
  status?: number | null;
  request_id?: string | null;
  attempts: number;
  elapsed: number;
  warnings: BudWarning[];
}

/**
 * A call that is under way: a promise of its result.
 *
 * ```ts
 * const user = await client.users.get(id);
 * const { data, response } = await client.users.get(id).withResponse();
 * console.log(response.requestId);
 * ```
 */
export class Call<T> implements Promise<T> {
  readonly #answer: Promise<Answer>;
  readonly #read: (json: unknown) => T;
  #data: Promise<T> | undefined;

  /** @internal */
  constructor(operation: string, answer: Promise<string>, read: (json: never) => T) {
    this.#answer = answer.then((text) => {
      const parsed = JSON.parse(text) as Answer;
      emit(operation, parsed.warnings);
      return parsed;
    });
    this.#read = read as (json: unknown) => T;
  }

  /** The result, and what is known of the answer: status, request id, attempts, time, warnings. */
  async withResponse(): Promise<WithResponse<T>> {
    const { status, request_id, attempts, elapsed, warnings } = await this.#answer;
    const response = {
      ...(status == null ? {} : { status }),
      ...(request_id == null ? {} : { requestId: request_id }),
      attempts,
      elapsed: Math.round(elapsed * 1000),
    };
    return { data: await this.then(), response, warnings };
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#data ??= this.#answer.then(({ value }) => this.#read(value));
    return this.#data.then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, rejected);
  }

  finally(done?: (() => void) | null): Promise<T> {
    return this.then().finally(done);
  }

  get [Symbol.toStringTag](): string {
    return 'Call';
  }
}
