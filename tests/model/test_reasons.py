from commonpool.model.reasons import HOPELESS_REASONS, QUEUED_REASONS, Reason, find_rank


def test_every_reason_has_a_rank_of_its_own_and_what_time_can_change_comes_first() -> None:
    ranks = {reason: find_rank(reason) for reason in Reason}
    assert sorted(ranks.values()) == list(range(len(Reason)))
    assert sorted(Reason, key=find_rank)[: len(QUEUED_REASONS) + len(HOPELESS_REASONS)] == [*QUEUED_REASONS, *HOPELESS_REASONS]
