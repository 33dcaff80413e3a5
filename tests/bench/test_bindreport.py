from commonpool.bench.audit import Account, Writing
from commonpool.bench.bind import Run, find_problems
from commonpool.bench.bindreport import build_report, render_bind
from commonpool.bench.setting import Mode, Setting


def make_run(mode: Mode, *, number: int = 1, seconds: float = 10, own_ms: float = 0, writes: int = 8000) -> Run:
    account = Account(began_at=100, ended_at=100 + seconds, pod_seconds=[0.1] * 99 + [0.9])
    account.writes[Writing("driver", "create", "pods")] = writes - 600
    account.writes[Writing("commonpool-operator", "create", "events")] = 600
    return Run(mode, number, 4000, account, {"apiserver": 12_000, "operator": own_ms}, {"apiserver": 12_000}, {"apiserver": 600}, 0.1, ())


def test_goals_are_told_against_the_ceiling_and_stock_of_the_same_report() -> None:
    runs = [
        *(make_run(Mode.CEILING, number=number, seconds=seconds) for number, seconds in ((1, 8), (2, 10), (3, 20))),
        make_run(Mode.STOCK, seconds=25),
        make_run(Mode.POOL, seconds=12.5, own_ms=4000, writes=8400),
    ]
    report = build_report({}, Setting(), runs)
    assert report["summary"]["ceiling"]["podsPerSecond"] == 400
    assert [(goal["measured"], goal["met"]) for goal in report["goals"]] == [
        (80.0, True),
        (2.0, True),
        (1.95, True),
        (2.1, False),
        (1.0, True),
    ]


def test_a_goal_that_needs_a_mode_which_was_not_run_is_left_out() -> None:
    report = build_report({}, Setting(), [make_run(Mode.JOBS)])
    assert {goal["what"] for goal in report["goals"]} == {
        "API writes a pod of its own",
        "API writes a pod, its gang's included",
        "CPU-ms a pod in operator and scheduler",
    }


def test_every_mode_that_ran_is_a_row_of_the_table() -> None:
    rows = list(render_bind(build_report({}, Setting(), [make_run(Mode.CEILING), make_run(Mode.POOL)])))
    assert [row[0] for row in rows] == ["ceiling", "pool"]


def test_a_wrong_result_is_said() -> None:
    setting = Setting(nodes=2, gpus=2, gangs=2, size=2)
    pods = [{"spec": {"nodeName": "a"}}] * 3 + [{"spec": {}}]
    assert find_problems(pods, setting, held=pods) == (
        "3 of 4 pods are bound",
        "1 nodes have more than 2 pods",
        "3 pods are bound that may not",
    )
    assert find_problems([{"spec": {"nodeName": name}} for name in "aabb"], setting) == ()
