"""Shows the GPUs of each node: how many there are, may be given out, are asked for, and are free. Guide section
6.2.

    python kubernetes/gpu_capacity.py --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect, known


def main() -> None:
    with connect(arguments(__doc__)) as cluster:
        print(f"{'NODE':<24} {'RESOURCE':<20} CAPACITY ALLOCATABLE REQUESTED FREE PRODUCT")
        free = 0
        for gpus in cluster.gpus():
            numbers = f"{gpus.capacity:>8} {gpus.allocatable:>11} {gpus.requested:>9} {gpus.free:>4}"
            print(f"{gpus.node:<24} {gpus.resource:<20} {numbers} {known(gpus.product)}")
            # Nothing new is placed on a node that is cordoned.
            free += gpus.free if gpus.schedulable else 0
        print(f"{free} free for new pods")


main()
