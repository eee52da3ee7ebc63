"""The table shows what was measured, and what was not."""

from bench import table
from bench.promise import Promise
from bench.rows import ROWS, Row
from bench.sides import MEASURES, Side

ROW = Row(name="tokens", title="tokens", unit="/s", bare=True, grpc=Promise(least_ratio=0.9), http=Promise(least=40))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_medians_and_ratios_are_shown() -> None:
    sides = {"bare": Side([90, 110, 100]), "grpc": Side([95]), "http": Side([50]), "against": Side([5])}

    (line,) = table.lines(ROW, sides)

    shown = ["tokens", "100 /s", "95.0 /s", "0.95", "50.0 /s", "0.50", "5.00 /s", "0.05", ">= 0.9 bare, >= 40", "kept"]
    assert cells(line) == shown


def test_a_promise_that_is_not_kept_is_shown() -> None:
    (line,) = table.lines(ROW, {"bare": Side([100]), "grpc": Side([89]), "http": Side([50])})

    assert cells(line)[-1] == "NOT KEPT"


def test_a_side_that_failed_is_shown_with_its_reason_and_keeps_nothing() -> None:
    sides = {"bare": Side([100]), "grpc": Side([95], failure="RuntimeError: gone"), "http": Side([50])}

    line, reason = table.lines(ROW, sides)

    assert (cells(line)[2], cells(line)[3], cells(line)[-1]) == ("failed", "", "NOT KEPT")
    assert reason == "|   grpc failed: RuntimeError: gone"


def test_another_server_that_fails_breaks_no_promise_of_ours() -> None:
    sides = {
        "bare": Side([100]),
        "grpc": Side([95]),
        "http": Side([50]),
        "against": Side(failure="not done after 120 s"),
    }

    line, _ = table.lines(ROW, sides)

    assert cells(line)[-1] == "kept"


def test_every_row_has_a_measure_and_every_measure_a_row() -> None:
    assert {row.name for row in ROWS} == set(MEASURES)
