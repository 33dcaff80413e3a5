from commonpool.kube.store import Seen, Store

Changes = list[tuple[str | None, str | None]]


def seen(name: str, version: int, value: str, uid: str = "u") -> Seen[str]:
    return Seen(("", name), uid, version, value)


def make_store() -> tuple[Store[str], Changes]:
    changes: Changes = []
    return Store(lambda old, new: changes.append((old, new))), changes


def test_our_own_write_is_known_before_the_watch_tells_it_and_the_past_does_not_undo_it() -> None:
    store, changes = make_store()
    store.put(seen("a", 5, "old"))
    store.put(seen("a", 9, "ours"))
    store.put(seen("a", 7, "between"))
    store.put(seen("a", 9, "ours"))
    assert list(store) == ["ours"]
    assert changes == [(None, "old"), ("old", "ours")]


def test_what_we_deleted_does_not_come_back_with_what_the_watch_still_tells() -> None:
    store, changes = make_store()
    store.put(seen("a", 5, "one"))
    store.bury(("", "a"), "u")
    store.put(seen("a", 6, "late"))
    assert list(store) == []
    store.drop(("", "a"), "u")
    store.put(seen("a", 8, "another", uid="v"))
    assert changes == [(None, "one"), ("one", None), (None, "another")]


def test_a_list_does_not_take_away_what_was_made_after_it() -> None:
    store, _ = make_store()
    store.put(seen("old", 3, "old", uid="1"))
    store.put(seen("ours", 12, "ours", uid="2"))
    store.replace([], version=10)
    assert list(store) == ["ours"]


def test_a_list_that_no_longer_knows_what_we_deleted_ends_its_mourning() -> None:
    store, _ = make_store()
    store.put(seen("a", 3, "a"))
    store.bury(("", "a"), "u")
    store.replace([seen("a", 3, "a")], version=3)
    assert list(store) == []
    store.replace([], version=9)
    store.put(seen("a", 11, "a", uid="u"))
    assert list(store) == ["a"]
