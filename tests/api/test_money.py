import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonpool.api.money import parse_micro, render_micro


@pytest.mark.parametrize(("amount", "micro"), [("2.40", 2_400_000), ("10000", 10_000_000_000), ("0.000001", 1), ("0", 0)])
def test_an_amount_is_read_in_millionths(amount: str, micro: int) -> None:
    assert parse_micro(amount) == micro


@pytest.mark.parametrize("amount", ["-1", "1,5", "", ".5", "1.", "1e3", "0.0000001", "1\n"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        parse_micro(amount)


def test_an_amount_has_two_decimals_at_least() -> None:
    assert [render_micro(micro) for micro in (2_400_000, 5, 12_345_678, 0)] == ["2.40", "0.000005", "12.345678", "0.00"]


@given(st.integers(min_value=0, max_value=10**17))
def test_what_is_written_is_read_as_the_same(micro: int) -> None:
    assert parse_micro(render_micro(micro)) == micro
