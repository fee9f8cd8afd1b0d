"""Shows when certificates end, those that end first first. Guide section 8.2.

    python kubernetes/check_certificates.py --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect, known


def main() -> None:
    with connect(arguments(__doc__)) as cluster:
        for one in cluster.certificates():
            left = f"days left: {known(one.days_left)}"
            print(f"{one.namespace}/{one.name} is {one.state}, {left}, from {one.issuer}")
            if one.message and not one.ready:
                print(f"  {one.message}")


main()
