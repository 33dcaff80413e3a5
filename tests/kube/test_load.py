from hypothesis import given
from hypothesis import strategies as st

from commonpool.api.inference import Inference
from commonpool.kube.load import Sample, calm, count_pods


def service(least: int = 1, most: int = 8, per_replica: str = "10", *, follows: bool = True) -> Inference:
    target = {"target": {"metric": "requestsPerSecond", "perReplica": per_replica}} if follows else {}
    template = {"spec": {"containers": [{"name": "main", "image": "x"}]}}
    return Inference.model_validate({"replicas": {"min": least, "max": most}, "template": template, **target})


def test_as_many_pods_as_carry_the_load_and_no_more() -> None:
    assert [count_pods(service(), total) for total in (0.1, 10, 10.5, 45, 79.9, 1000)] == [1, 1, 2, 5, 8, 8]


def test_without_load_the_least_stays_and_that_may_be_none() -> None:
    assert [count_pods(service(least), 0) for least in (0, 2)] == [0, 2]


def test_who_follows_no_load_has_one_pod_at_least() -> None:
    assert [count_pods(service(least, follows=False), 100) for least in (0, 2)] == [1, 2]


def test_what_a_replica_carries_is_a_quantity() -> None:
    assert [count_pods(service(most=100, per_replica=text), 10) for text in ("500m", "2", "1k")] == [20, 5, 1]


@given(
    total=st.floats(min_value=0),
    least=st.integers(0, 5),
    more=st.integers(0, 50),
    per_replica=st.sampled_from(["0", "1m", "7", "3k", "-1", "1e-300", "1e300"]),
)
def test_whatever_is_read_the_bounds_hold(total: float, least: int, more: int, per_replica: str) -> None:
    most = max(1, least + more)
    assert least <= count_pods(service(least, most, per_replica), total) <= most


@given(st.lists(st.integers(0, 600), min_size=1), st.integers(0, 300))
def test_the_newest_sample_and_those_of_the_last_seconds_count(ages: list[int], seconds: int) -> None:
    samples = [Sample(1000 - age, index) for index, age in enumerate(sorted(ages, reverse=True))]
    kept = calm(samples, 1000, seconds)
    assert samples[-1] in kept
    assert {sample for sample in samples if sample.at > 1000 - seconds} <= set(kept)
    assert all(sample.at > 1000 - seconds for sample in kept[:-1])
