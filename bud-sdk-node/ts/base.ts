import { Core } from './core.js';
import { variables } from './environment.js';
import { thrown } from './errors.js';
import { placeOf } from './flow.js';
import { native } from './native.js';
import { write, type Fields } from './values.js';

/** What the clients of all backends have in common. @internal */
export abstract class BaseClient implements AsyncDisposable {
  readonly #core: Core;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Releases the connections, and the session if there is one, now instead of at the next garbage collection. Calls under way go
   * on; later ones fail with `ClosedError`.
   */
  close(): void {
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** The way to a backend. What is wrong with the options is thrown where the constructor of `made` was called. @internal */
export function opened(backend: string, fields: Fields, options: unknown, made: Function): Core {
  try {
    return new Core(native.connect(backend, write('', fields, [options], 'options'), variables()));
  } catch (error) {
    throw thrown(error, placeOf(made));
  }
}
