"""The judge of the recipes can say no."""

import pytest

from tests.conformance.grpcurl.document import BadPage, contents, read
from tests.conformance.grpcurl.matching import Ids, difference

ONE, TWO = "01a1ff7a-3d7e-77eb-b9a5-af78f00479c3", "01a1ff7a-3d7f-74ff-af2d-15c0624724fb"
MINE, OTHER = "11a1ff7a-3d7e-77eb-b9a5-af78f00479c3", "21a1ff7a-3d7f-74ff-af2d-15c0624724fb"

APART = '{\n  "events": [\n    {\n      "seq": "1"\n    }\n  ]\n}\n{\n  "events": [\n    {\n      "seq": "2"\n    }\n  ]\n}\n'
TOGETHER = '{\n  "events": [\n    {\n      "seq": "1"\n    },\n    {\n      "seq": "2"\n    }\n  ]\n}\n'


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a\n", "a\n"),
        ("a\n", "a\n\n"),
        ("a\n...\nc\n", "a\nc\n"),
        ("a\n...\nc\n", "a\nb\nb\nc\n"),
        ("  ...\nc\n", "a\nb\nc\n"),
        ("a ... c\n", "a b c\n"),
        (f"{ONE} {ONE} {TWO}\n", f"{MINE} {MINE} {OTHER}\n"),
        ("2026-11-21T18:59:25Z\n", "2027-01-01T00:00:00.123456789Z\n"),
        (APART, TOGETHER),
        (TOGETHER, APART),
    ],
)
def test_what_is_as_shown(shown: str, printed: str) -> None:
    assert difference(shown, printed, Ids()) is None


@pytest.mark.parametrize(
    ("shown", "printed", "line"),
    [
        ("a\nb\n", "a\nc\n", "'b'"),
        ("a\nb\n", "a\n", "'b'"),
        ("a\n", "a\nb\n", "more came"),
        ("a\n", "", "'a'"),
        ("a\n...\nc\n", "a\nb\n", "'c'"),
        ("a ... c\n", "a b\n", "'a ... c'"),
        (f"{ONE} {ONE}\n", f"{MINE} {OTHER}\n", ONE),
        (f"{ONE}\n", "none\n", ONE),
        ("2026-11-21T18:59:25Z\n", "soon\n", "2026"),
        ("a.c\n", "abc\n", "'a.c'"),
    ],
)
def test_what_is_not_is_named(shown: str, printed: str, line: str) -> None:
    wrong = difference(shown, printed, Ids())

    assert wrong is not None
    assert line in wrong.partition("it printed")[0]


def test_an_id_stays_the_same_from_recipe_to_recipe() -> None:
    ids = Ids()

    assert difference(f"{ONE}\n", f"{MINE}\n", ids) is None
    assert difference(f"{ONE}\n", f"{MINE}\n", ids) is None
    assert difference(f"{ONE}\n", f"{OTHER}\n", ids) is not None


def test_a_page_is_read() -> None:
    page = "# Top\n\n- [One](#one)\n\n## One\n\nWords.\n\n```sh\nls\n```\n\nIt prints:\n\n```text\na\n```\n"

    sections = read(page)

    assert [(recipe.command, recipe.shown) for recipe in sections["One"]] == [("ls\n", "a\n")]
    assert contents(page) == ["One"]


@pytest.mark.parametrize(
    "body",
    [
        "```sh\nls\n```\n",
        "```text\na\n```\n",
        "```bash\nls\n```\n\n```text\na\n```\n",
        "```\nls\n```\n\n```text\na\n```\n",
        "```sh\nls\n```\n\n```sh\nls\n```\n",
        "```sh\nls\n```\n\n```text\na\n```\n\n```json\n{}\n```\n",
        "```sh\nls\n",
        "- item\n  ```sh\n  ls\n  ```\n",
        "~~~sh\nls\n~~~\n",
    ],
)
def test_a_command_that_no_test_would_run_is_refused(body: str) -> None:
    with pytest.raises(BadPage):
        read(f"# Top\n\n## One\n\n{body}")
    with pytest.raises(BadPage):
        read(f"# Top\n\n{body}\n## One\n")
