import { Core } from './core.js';
import { thrown } from './errors.js';
import { placeOf } from './flow.js';
import { CLUSTER_OPTIONS, type ClusterOptions } from './generated/options.js';
import { Kubernetes } from './generated/resources.js';
import { native, type NativeClient } from './native.js';
import { write } from './values.js';

/**
 * A Kubernetes cluster. Making it reads and sends nothing: its kubeconfig is read by the first call. Nothing changes the
 * cluster but `restart` and `exec`.
 *
 * ```ts
 * const cluster = new kubernetes.Cluster({ kubeconfig: '/path/to/cluster-kubeconfig' });
 * for (const pod of await cluster.pods({ namespace: 'bud-system' })) console.log(pod.name, pod.status);
 * ```
 *
 * Without options it is the one of `KUBECONFIG`, of `~/.kube/config`, or that of the pod that this runs in. Times are in
 * milliseconds.
 */
export class Cluster extends Kubernetes implements AsyncDisposable {
  readonly #core: Core;

  /** @throws {InvalidArgumentError} for an option that is unknown or wrong; `param` names it. */
  constructor(options: ClusterOptions = {}) {
    const core = new Core(connect(options));
    super(core);
    this.#core = core;
  }

  /**
   * Releases the connections now instead of at the next garbage collection. Calls under way go on; later ones fail with
   * `ClosedError`.
   */
  close(): void {
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function connect(options: ClusterOptions): NativeClient {
  try {
    return native.connectCluster(write('', CLUSTER_OPTIONS, [options], 'options'));
  } catch (error) {
    throw thrown(error, placeOf(Cluster));
  }
}
