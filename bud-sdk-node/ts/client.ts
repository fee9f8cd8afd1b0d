import { Core } from './core.js';
import { variables } from './environment.js';
import { thrown } from './errors.js';
import { placeOf } from './flow.js';
import { CLIENT_OPTIONS, type ClientOptions } from './generated/options.js';
import { Resources } from './generated/resources.js';
import { native, type NativeClient } from './native.js';
import { write } from './values.js';

/**
 * A client of one server. Making it sends nothing; it logs in at the first call. Make one and share it: it holds the
 * connections and the session.
 *
 * ```ts
 * const client = new Client({ baseUrl: 'https://api.bud.example.com', email, password });
 * for await (const user of client.users.list()) console.log(user.email);
 * ```
 *
 * Without options everything comes from `BUD_...` variables and `~/.bud/config.toml`; with options, what they leave out is taken
 * from there only with `env: true`. The variables are those of `process.env` when the client is made, also in a worker thread.
 * Times are in milliseconds. Each resource is one object per client, so that tests can spy on its methods.
 */
export class Client extends Resources implements AsyncDisposable {
  readonly #core: Core;

  /**
   * @throws {InvalidArgumentError} for an option that is unknown or wrong; `param` names it.
   * @throws {ConfigError} for what is wrong in the environment or the configuration file, or missing in all places.
   */
  constructor(options: ClientOptions = { env: true }) {
    const core = new Core(connect(options));
    super(core);
    this.#core = core;
  }

  /**
   * Releases the connections and the session now instead of at the next garbage collection. Calls under way go on; later ones
   * fail with `ClosedError`.
   */
  close(): void {
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function connect(options: ClientOptions): NativeClient {
  try {
    return native.connect(write('', CLIENT_OPTIONS, [options], 'options'), variables());
  } catch (error) {
    throw thrown(error, placeOf(Client));
  }
}
