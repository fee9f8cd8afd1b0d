"""Shows how much of its quotas every project has used, the fullest first. Guide section 9.2.

For the guide API: the runtime API has quotas per user (`quotas.of_user`, `quotas.mine`).

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python check_quotas.py

Without `BUD_BASE_URL` it runs on a test server.
"""

from bud_sdk.quotas import Quota
from demo import platform


def share(quota: Quota) -> float:
    """The largest share used of any quota. One that the server does not tell is unknown, not unused: it comes first."""
    pairs = [
        (quota.tokens_used, quota.tokens_quota),
        (quota.requests_used, quota.requests_quota),
        (quota.cost_used, quota.cost_quota),
    ]
    return max((float(used / most) for used, most in pairs if used is not None and most), default=float("inf"))


def main() -> None:
    with platform() as here:
        here.project()
        quotas = [(project, here.bud.quotas.of_project(project)) for project in here.bud.projects.list()]
        quotas.sort(key=lambda pair: share(pair[1]), reverse=True)
        print(f"{'PROJECT':<24} {'USED':>6} {'TOKENS':>23} {'REQUESTS':>17} {'COST':>19}")
        for project, quota in quotas:
            tokens = f"{quota.tokens_used} / {quota.tokens_quota}"
            requests = f"{quota.requests_used} / {quota.requests_quota}"
            cost = f"{quota.cost_used} / {quota.cost_quota}"
            print(f"{project.name or project.id:<24} {share(quota):>6.0%} {tokens:>23} {requests:>17} {cost:>19}")


main()
