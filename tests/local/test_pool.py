import yaml

from commonpool.local.pool import add_ordinary_profile

CHART = """\
clientConnection: {qps: 5000}
profiles:
- schedulerName: commonpool
  plugins:
    multiPoint:
      disabled: [{name: "*"}]
      enabled: [{name: CommonPool}, {name: PrioritySort}]
"""


def test_the_local_scheduler_serves_ordinary_pods_too_and_our_plugin_is_not_asked_about_them() -> None:
    made, chart = yaml.safe_load(add_ordinary_profile(CHART)), yaml.safe_load(CHART)
    pool, ordinary = made.pop("profiles")
    assert [pool] == chart.pop("profiles")
    assert made == chart
    assert ordinary["schedulerName"] == "default-scheduler"
    assert "CommonPool" not in str(ordinary)
    assert "disabled" not in str(ordinary)  # Kubernetes' own plugins, all of them
