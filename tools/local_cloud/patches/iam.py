"""IAM: what a request over the loopback interface is to a policy."""

from typing import Any

from tools.local_cloud.patches.targets import module


def loopback_counts_as_tls() -> None:
    """`aws:SecureTransport` is true, so that a policy that refuses plain HTTP can be deployed.

    AWS is reached over TLS. The local cloud speaks plain HTTP on the loopback interface, which
    leaves the machine as little as TLS does, and would refuse every call to the uploads bucket.
    """
    evaluator = module("core.iam_evaluator")
    resolve = evaluator._resolve_condition_key

    def resolve_over_loopback(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    evaluator._resolve_condition_key = resolve_over_loopback
