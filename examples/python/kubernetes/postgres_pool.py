"""Looks for what is wrong with the database: the pods of PostgreSQL, a connection from a service's pod, and how
full the connection pool is. Guide sections 2.1 and 10.2.

    python kubernetes/postgres_pool.py budapp --namespace bud-system --database bud-data --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect

# What the guide runs looks for `budapp.db`, which the platform as shipped does not have.
PROBE = "from budapp.commons.database import get_engine; get_engine().connect().close(); print('OK')"


def main() -> None:
    given = arguments(__doc__, service="budapp", namespace="bud-system", database="bud-data")
    with connect(given) as cluster:
        # The label of its chart; where it was installed as the guide has it, `app=postgresql`.
        for pod in cluster.pods(namespace=given.database, labels="app.kubernetes.io/name=postgresql"):
            print(f"{pod.name} {pod.ready}/{pod.containers} {pod.status}")

        probe = cluster.exec(namespace=given.namespace, name=given.service, command=["python", "-c", PROBE])
        said = probe.stdout if probe.exit_code == 0 else probe.stderr
        print(f"from {given.service}: {said.strip()} (exit code {probe.exit_code})")

        pool = cluster.postgres(given.database)
        print(f"{pool.connections} of {pool.most} connections, {pool.used_percent:.0f}%")
        print(f"{pool.active} active, {pool.idle} idle, {pool.waiting_for_lock} wait for a lock")
        print(f"{pool.idle_in_transaction_long} idle in a transaction for long")
        # From here on the guide warns.
        if pool.used_percent > 80:
            print("the pool is nearly full")


main()
