"""Shows the pods that run models, and how busy their GPUs are, as nvidia-smi tells it inside of them. Guide
section 10.3.

    python kubernetes/check_engines.py --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from bud_sdk import BudError
from bud_sdk.kubernetes import Cluster, Pod
from support import arguments, connect, known


def show_gpus(cluster: Cluster, pod: Pod) -> None:
    for gpu in cluster.gpu_readings(namespace=pod.namespace, name=f"pod/{pod.name}"):
        memory = f"{known(gpu.memory_used_mib)} of {known(gpu.memory_total_mib)} MiB"
        busy = f"{known(gpu.utilization_percent)}% busy, {memory}, {known(gpu.temperature_celsius)} °C"
        print(f"  GPU {known(gpu.index)} {known(gpu.name)}: {busy}")


def main() -> None:
    with connect(arguments(__doc__)) as cluster:
        for pod in cluster.engine_pods():
            print(f"{pod.namespace}/{pod.name} is {pod.status} on {known(pod.node)}")
            if not pod.healthy:
                print(f"  {pod.message or ''}")
                continue
            try:
                show_gpus(cluster, pod)
            except BudError as error:
                # An image without nvidia-smi, say. The next pod may tell more.
                print(f"  {error}")


main()
