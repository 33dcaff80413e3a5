"""What the dashboard shows, row by row: each panel with its questions to Prometheus."""

from dataclasses import dataclass
from enum import StrEnum


class Look(StrEnum):
    """Grafana's own words for how a panel looks."""

    STAT = "stat"
    LINES = "timeseries"
    BARS = "bargauge"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `queries`: PromQL and the legend of each of its lines."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    look: Look = Look.LINES
    stacked: bool = False
    width: int = 8
    """Of 24 columns."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


_POOL = '{pool=~"$pool"}'
_TENANT = '{tenant=~"$tenant"}'
_BOTH = '{tenant=~"$tenant",pool=~"$pool"}'
_SHARE_OF_POOL = (
    'sum by (pool) (commonpool_pool_accelerators{pool=~"$pool",state=~"bound|promised"})'
    ' / sum by (pool) (commonpool_pool_capacity_accelerators{pool=~"$pool"})'
)
_MEAN_OF_PART = (
    "sum by (part) (rate(commonpool_round_part_duration_seconds_sum[$__rate_interval]))"
    " / sum by (part) (rate(commonpool_round_part_duration_seconds_count[$__rate_interval]))"
)


def _stat(title: str, description: str, query: str, unit: str = "short") -> Panel:
    return Panel(title, description, ((query, ""),), unit, Look.STAT, width=3)


def _quantiles(histogram: str, by: str = "", where: str = "") -> tuple[tuple[str, str], ...]:
    """Median and 99th percentile, one each of every value of the label `by`."""
    grouped, legend = (f"le, {by}", f" {{{{{by}}}}}") if by else ("le", "")
    return tuple(
        (f"histogram_quantile({share}, sum by ({grouped}) (rate({histogram}_bucket{where}[$__rate_interval])))", f"p{name}{legend}")
        for share, name in (("0.5", "50"), ("0.99", "99"))
    )


def _rate(counter: str, by: str, where: str = "") -> tuple[tuple[str, str], ...]:
    return ((f"sum by ({by}) (rate({counter}{where}[$__rate_interval]))", " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))),)


_NOW = (
    _stat("Accelerators", "All that the pools' nodes have.", f"sum(commonpool_pool_capacity_accelerators{_POOL})"),
    _stat(
        "Held",
        "Bound or promised, of all.",
        'sum(commonpool_pool_accelerators{pool=~"$pool",state=~"bound|promised"})'
        ' / sum(commonpool_pool_capacity_accelerators{pool=~"$pool"})',
        "percentunit",
    ),
    _stat("Free", "Could be given out now.", 'sum(commonpool_pool_accelerators{pool=~"$pool",state="free"})'),
    _stat("Unhealthy", "Idle on nodes that take no pods.", 'sum(commonpool_pool_accelerators{pool=~"$pool",state="unhealthy"})'),
    _stat("Waiting", "Workloads that wait, whatever for.", f"sum(commonpool_waiting_workloads{_TENANT}) or vector(0)"),
    _stat(
        "Oldest wait",
        "Age of the oldest workload in the queue; what can never start as it is does not count.",
        f"max(time() - commonpool_oldest_waiting_timestamp_seconds{_TENANT}) or vector(0)",
        "s",
    ),
    _stat(
        "Tenants that hold",
        "Tenants with at least one accelerator.",
        f"count(count by (tenant) (commonpool_tenant_accelerators{_BOTH} > 0))",
    ),
    _stat("Leader's epoch", "Rises by one with each new leader; 0: nobody leads.", "max(commonpool_leader_epoch)"),
)
_POOLS = (
    Panel(
        "Accelerators by state",
        "They add up to what there is.",
        ((f"sum by (state) (commonpool_pool_accelerators{_POOL})", "{{state}}"),),
        stacked=True,
    ),
    Panel(
        "Held, by pool",
        "Bound or promised, of what the pool has.",
        (
            (
                _SHARE_OF_POOL,
                "{{pool}}",
            ),
        ),
        "percentunit",
    ),
    Panel(
        "Free, and the largest gang of whole nodes",
        "The gap between the two is fragmentation.",
        (
            ('sum by (pool) (commonpool_pool_accelerators{pool=~"$pool",state="free"})', "{{pool}} free"),
            (f"sum by (pool) (commonpool_pool_largest_gang_accelerators{_POOL})", "{{pool}} largest gang"),
        ),
    ),
    Panel(
        "Nodes",
        "By state; beside them what the provider of a pool with scaling has been asked for.",
        (
            (f"sum by (pool, state) (commonpool_pool_nodes{_POOL})", "{{pool}} {{state}}"),
            (f"sum by (pool) (commonpool_pool_wanted_nodes{_POOL})", "{{pool}} wanted"),
        ),
        width=12,
    ),
    Panel(
        "Promised and not taken",
        "Places whose pods are on the way; what stays here is a pod that cannot start.",
        (('sum by (pool) (commonpool_pool_accelerators{pool=~"$pool",state="promised"})', "{{pool}}"),),
        width=12,
    ),
)
_TENANTS = (
    Panel(
        "Held by tenant",
        "Accelerators that each tenant itself holds.",
        ((f"sum by (tenant) (commonpool_tenant_accelerators{_BOTH})", "{{tenant}}"),),
        stacked=True,
    ),
    Panel(
        "Used, guaranteed and limit",
        "Each quota line, tenants below included.",
        (
            (f"sum by (tenant, pools) (commonpool_quota_used_accelerators{_TENANT})", "{{tenant}} {{pools}} used"),
            (f"sum by (tenant, pools) (commonpool_quota_guaranteed_accelerators{_TENANT})", "{{tenant}} {{pools}} guaranteed"),
            (f"sum by (tenant, pools) (commonpool_quota_limit_accelerators{_TENANT})", "{{tenant}} {{pools}} limit"),
        ),
        look=Look.BARS,
    ),
    Panel(
        "Borrowed and lent",
        "Beyond the guarantee, and of the unused guarantee what others hold.",
        (
            (f"sum by (tenant) (commonpool_quota_borrowed_accelerators{_TENANT})", "{{tenant}} borrowed"),
            (f"-sum by (tenant) (commonpool_quota_lent_accelerators{_TENANT})", "{{tenant}} lent"),
        ),
    ),
    Panel(
        "Accelerator hours in this time",
        "Held times how long, as the leader saw it; bills are made of the objects' status.",
        ((f"sum by (tenant) (increase(commonpool_tenant_accelerator_seconds_total{_BOTH}[$__range])) / 3600", "{{tenant}}"),),
        "h",
        Look.BARS,
        width=12,
    ),
    Panel(
        "Workloads that hold",
        "Workloads with at least one place.",
        ((f"sum by (tenant) (commonpool_holding_workloads{_TENANT})", "{{tenant}}"),),
        stacked=True,
        width=12,
    ),
)
_WAITS = (
    Panel(
        "Waiting, by reason",
        "The word that tenants read in `kubectl get gpuworkloads`.",
        ((f"sum by (reason) (commonpool_waiting_workloads{_TENANT})", "{{reason}}"),),
        stacked=True,
    ),
    Panel(
        "Accelerators asked for",
        "What waiting workloads would take.",
        ((f"sum by (tenant) (commonpool_waiting_accelerators{_TENANT})", "{{tenant}}"),),
        stacked=True,
    ),
    Panel(
        "Oldest wait by tenant",
        "Age of the oldest workload in the queue.",
        ((f"time() - max by (tenant) (commonpool_oldest_waiting_timestamp_seconds{_TENANT})", "{{tenant}}"),),
        "s",
    ),
    Panel(
        "Waited for places",
        "From creation to promise, of what was placed.",
        _quantiles("commonpool_wait_duration_seconds", "pool", _POOL),
        "s",
        width=12,
    ),
    Panel(
        "Taken back",
        "Workloads told to shrink, and evicted, in this time.",
        (
            (f"sum by (tenant, reason) (increase(commonpool_shrunk_workloads_total{_TENANT}[$__range]))", "{{tenant}} shrunk: {{reason}}"),
            (
                f"sum by (tenant, reason) (increase(commonpool_evicted_workloads_total{_TENANT}[$__range]))",
                "{{tenant}} evicted: {{reason}}",
            ),
        ),
        look=Look.BARS,
        width=12,
    ),
)
_DECISIONS = (
    Panel("Decisions a second", "By kind; a hold is a new reason to wait.", _rate("commonpool_actions_total", "action"), "ops"),
    Panel("Pods placed a second", "By pool and reason.", _rate("commonpool_placed_pods_total", "pool, reason", _POOL), "ops"),
    Panel(
        "From change to decision",
        "From the first change that a round answers to its decisions being written.",
        _quantiles("commonpool_decision_latency_seconds"),
        "s",
    ),
    Panel("A round", "From reading to the last write.", _quantiles("commonpool_round_duration_seconds"), "s"),
    Panel(
        "Parts of a round",
        "What each takes on average.",
        (
            (
                _MEAN_OF_PART,
                "{{part}}",
            ),
        ),
        "s",
        stacked=True,
    ),
    Panel(
        "Rounds a second, and what they look at",
        "Rounds by outcome; sizes in thousands.",
        (
            *_rate("commonpool_rounds_total", "outcome"),
            ("sum by (kind) (commonpool_snapshot_objects) / 1000", "{{kind}} / 1000"),
        ),
    ),
)
_MACHINERY = (
    Panel("Requests to the apiserver", "By answer.", _rate("commonpool_apiserver_requests_total", "method, code"), "reqps"),
    Panel("Time to answer", "Of the apiserver, by method.", _quantiles("commonpool_apiserver_request_duration_seconds", "method"), "s"),
    Panel("Writes that failed", "They are tried again by the next round.", _rate("commonpool_failed_writes_total", "subject"), "ops"),
    Panel(
        "How the cluster is followed",
        "Changes a second that the watches tell, by resource.",
        _rate("commonpool_watch_events_total", "resource"),
        "ops",
        width=12,
    ),
    Panel(
        "What could not be followed",
        "Lists and watches that failed, and whole lists that were read (both in this time); objects that cannot be read now.",
        (
            ("sum by (resource) (increase(commonpool_watch_failures_total[$__range]))", "{{resource}} failed"),
            ("sum by (resource) (increase(commonpool_watch_lists_total[$__range]))", "{{resource}} listed"),
            ("max by (resource) (commonpool_unreadable_objects)", "{{resource}} unreadable"),
        ),
        look=Look.BARS,
        width=12,
    ),
    Panel(
        "Pods that the scheduler holds",
        "By reason; none of them has cost a write.",
        (("sum by (reason) (commonpool_scheduler_held_pods)", "{{reason}}"),),
        stacked=True,
    ),
    Panel(
        "What the scheduler obeys",
        "Rounds that exist, places that no pod has taken yet, and whose epoch.",
        (
            ("max(commonpool_scheduler_rounds)", "rounds"),
            ("max(commonpool_scheduler_outstanding_places)", "places not taken"),
            ("max(commonpool_scheduler_round_epoch)", "epoch obeyed"),
            ("max(commonpool_leader_epoch)", "epoch of the leader"),
        ),
    ),
    Panel(
        "Scheduled a second",
        "kube-scheduler's own count, and pods refused for another request than was promised, and the like.",
        (
            *_rate("scheduler_schedule_attempts_total", "result", '{job="commonpool-scheduler"}'),
            ("sum(rate(commonpool_scheduler_unreadable_lines_total[$__rate_interval]))", "unreadable lines of Rounds"),
        ),
        "ops",
    ),
    Panel(
        "Processors used",
        "Of operator and scheduler.",
        (('sum by (job) (rate(process_cpu_seconds_total{job=~"commonpool-.*"}[$__rate_interval]))', "{{job}}"),),
        width=12,
    ),
    Panel(
        "Memory",
        "Of operator and scheduler.",
        (('sum by (job) (process_resident_memory_bytes{job=~"commonpool-.*"})', "{{job}}"),),
        "bytes",
        width=12,
    ),
)

ROWS = (
    Row("Now", _NOW),
    Row("Pools", _POOLS),
    Row("Tenants", _TENANTS),
    Row("Who waits, and who gives back", _WAITS),
    Row("Decisions", _DECISIONS),
    Row("Machinery", _MACHINERY),
)
