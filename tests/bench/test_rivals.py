from commonpool.bench.rivals import first_fit, tightest_fit

WIDTHS = (6, 3, 1)


def fleet(text: str) -> bytearray:
    return bytearray(letter == "." for letter in text)


def test_first_fit_takes_the_first_free_nodes_of_the_first_domain_that_has_enough() -> None:
    free = fleet(".#..#...#...")
    assert first_fit(free, 3, WIDTHS, -1) == [0, 2, 3]
    assert first_fit(free, 3, WIDTHS, 1) == [9, 10, 11]
    assert first_fit(free, 4, WIDTHS, 1) == ()


def test_tightest_fit_takes_the_narrowest_domain_with_enough_and_least() -> None:
    free = fleet(".#....#..###")
    assert tightest_fit(free, 2, WIDTHS, -1) == [0, 2]
    assert tightest_fit(free, 3, WIDTHS, -1) == [3, 4, 5]
    assert tightest_fit(free, 4, WIDTHS, 0) == [0, 2, 3, 4]
    assert tightest_fit(free, 6, WIDTHS, 0) == ()
    assert tightest_fit(free, 6, WIDTHS, -1) == [0, 2, 3, 4, 5, 7]
