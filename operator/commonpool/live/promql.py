"""Which query tells a service's load: by the word of its target, with its namespace and name put in."""

import re
from collections.abc import Mapping
from string import Template

QUERIES: Mapping[str, str] = {
    "requestsPerSecond": 'sum(rate(http_requests_total{namespace="$namespace",service="$name"}[1m]))',
    "requestsInFlight": 'sum(http_requests_in_flight{namespace="$namespace",service="$name"})',
    "requestsWaiting": 'sum(vllm:num_requests_waiting{namespace="$namespace",service="$name"})',
    "tokensPerSecond": 'sum(rate(vllm:generation_tokens_total{namespace="$namespace",service="$name"}[1m]))',
}
"""Those that are there without being configured; what an administrator configures comes before them."""

_LABEL = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def build_query(queries: Mapping[str, str], metric: str, namespace: str, name: str) -> str | None:
    """The PromQL for one service; None if nobody has said what the metric is.

    Tenants choose the word and the names only. Names are DNS labels: nothing in them could
    end the quotation that they stand in.
    """
    template = {**QUERIES, **queries}.get(metric)
    if template is None or not _LABEL.fullmatch(namespace) or not _LABEL.fullmatch(name):
        return None
    return Template(template).safe_substitute(namespace=namespace, name=name)


def list_metrics(queries: Mapping[str, str]) -> str:
    """The words that can be used, for people."""
    return ", ".join(f"`{metric}`" for metric in sorted({**QUERIES, **queries}))
