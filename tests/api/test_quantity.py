from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonpool.api.quantity import MOST, parse_milli, parse_quantity, parse_whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("80Gi", 80 * 1024**3),
        ("500m", Decimal("0.5")),
        ("2", 2),
        (2, 2),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1.5k", 1500),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("-1Ki", -1024),
        ("100n", Decimal("1e-7")),
    ],
)
def test_a_quantity_is_read_exactly(text: str | int, value: Decimal) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "80GB", "80 Gi", "1e", "four", "1,5", "0x10", "٣", "1\n"])
def test_what_is_no_quantity_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="hint: write it like `80Gi`"):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["1e31", "10e399", "1e999999", "1e2147483647", "1e99999999999999999999", "9" * 5000, f"{'9' * 50}Ei"])
def test_what_the_apiserver_takes_is_read_however_large(text: str) -> None:
    assert parse_quantity(text) == MOST
    assert parse_quantity(f"-{text}") == -MOST
    assert parse_whole(text) == MOST


def test_nothing_is_so_small_that_it_cannot_be_read() -> None:
    assert parse_whole("1e-20") == 1
    assert parse_whole("0e400") == parse_whole("1e-99999999999999999999") == 0


def test_parts_of_a_unit_are_rounded_up() -> None:
    assert parse_whole("1500m") == 2
    assert parse_milli("100u") == 1


@given(st.integers(min_value=0, max_value=10**15))
def test_whole_numbers_are_themselves_in_every_unit(number: int) -> None:
    assert parse_whole(number) == parse_whole(str(number)) == number
    assert parse_milli(f"{number}m") == number
    assert parse_whole(f"{number}Ki") == number * 1024
