"""Entries, details, problems, the catalogue and the exceptions: what each promises, to the letter."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from ironleaf.foundation.errors import (
    AlertRule,
    BusinessError,
    Catalogue,
    CatalogueError,
    Detail,
    Entry,
    Family,
    IronleafError,
    Kind,
    Level,
    LimitReached,
    ModelFailure,
    NoticeEntry,
    Problem,
    SystemFault,
    Text,
    Unit,
    make_problem,
)
from ironleaf.foundation.errors.detail import ALLOWED_VALUES_MAX, describe_detail
from ironleaf.foundation.errors.foreign import find_entry_by_status
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.foundation.errors.protocol import BAD_REQUEST, ENTRIES, INTERNAL_ERROR, NOT_FOUND

WORDS = Text("The page is too large.", "页面过大。")


def make_entry(**changes: Any) -> Entry:
    given: dict[str, Any] = {
        "code": 41301,
        "reason": "page-too-large",
        "family": Family.LIMIT,
        "level": Level.L2,
        "kind": Kind.TOO_LARGE,
        "message": WORDS,
        "user_advice": Text("Send less.", "请减少内容。"),
        "operator_advice": Text("Raise the limit.", "请提高上限。"),
    }
    return Entry(**{**given, **changes})


class TestEntry:
    def test_it_knows_its_status_and_its_page(self) -> None:
        entry = make_entry()
        assert (entry.http_status, entry.doc_url) == (413, "/errors/page-too-large")
        assert entry.retryable is False
        with pytest.raises(FrozenInstanceError):
            entry.code = 1  # type: ignore[misc]

    @pytest.mark.parametrize("level", Level)
    def test_its_alert_rule_is_that_of_its_level_unless_it_names_its_own(self, level: Level) -> None:
        assert make_entry(level=level).alert is POLICY[level].alert
        for own in AlertRule:
            assert make_entry(level=level, alert=own).alert is own

    @pytest.mark.parametrize("code", [40000, 40099, 59999])
    def test_a_code_begins_with_an_error_status(self, code: int) -> None:
        assert make_entry(code=code).http_status == code // 100

    @pytest.mark.parametrize("code", [0, 413, 39999, 60000, 20030])
    def test_another_code_is_refused(self, code: int) -> None:
        with pytest.raises(
            ValueError, match=r"^entry page-too-large: the code does not begin with an HTTP error status$"
        ):
            make_entry(code=code)

    @pytest.mark.parametrize("reason", ["a", "a1", "a-b", "page-2-large"])
    def test_a_reason_is_kebab_case(self, reason: str) -> None:
        assert make_entry(reason=reason).reason == reason
        assert NoticeEntry(reason, WORDS).reason == reason

    @pytest.mark.parametrize("reason", ["", "A", "a_b", "-a", "a-", "a--b", "1a", "a b", "a-b\n"])
    def test_another_reason_is_refused(self, reason: str) -> None:
        with pytest.raises(ValueError, match=r"^entry 41301: the reason is not kebab-case$"):
            make_entry(reason=reason)
        with pytest.raises(ValueError, match=r"^notice: the reason is not kebab-case$"):
            NoticeEntry(reason, WORDS)

    @pytest.mark.parametrize("field", ["message", "user_advice", "operator_advice"])
    @pytest.mark.parametrize("text", [Text("", "中"), Text("en", ""), Text(" ", "中"), Text("en", "\n")])
    def test_no_language_is_missing(self, field: str, text: Text) -> None:
        with pytest.raises(ValueError, match=r"^entry page-too-large: a language is missing$"):
            make_entry(**{field: text})

    def test_a_text_is_told_in_the_language_asked_for(self) -> None:
        assert WORDS.in_language("zh") == "页面过大。"
        assert WORDS.in_language("en") == "The page is too large."


class TestDetail:
    @pytest.mark.parametrize("field", ["a", "pages", "options.pages[0].from-to_2", "A" + "b" * 79])
    def test_a_field_is_a_name_of_ours(self, field: str) -> None:
        assert Detail(reason="r", field=field).field == field

    @pytest.mark.parametrize("field", ["", "1a", "a b", "名", "a" * 81, "a\n", "a/b"])
    def test_another_field_is_refused(self, field: str) -> None:
        with pytest.raises(ValueError, match=r"^detail: the field is not a name of ours$"):
            Detail(reason="r", field=field)

    def test_an_allowed_value_is_a_value_of_ours(self) -> None:
        values = ("1-3,5", "image/png", "<= 50", "a" * 80)
        assert Detail(reason="r", allowed=values).allowed == values
        for wrong in ("", "a" * 81, "a\nb", "a'b"):
            with pytest.raises(ValueError, match=r"^detail: an allowed value is not a value of ours$"):
                Detail(reason="r", allowed=("fine", wrong))

    @pytest.mark.parametrize(
        ("detail", "en", "zh"),
        [
            (Detail(reason="r"), "", ""),
            (Detail(reason="r", file=2), "file 2", "文件 2"),
            (Detail(reason="r", page=3), "page 3", "第 3 页"),
            (Detail(reason="r", field="dpi"), "field dpi", "字段 dpi"),
            (Detail(reason="r", actual=1234567), "1,234,567 seen", "实际 1,234,567"),
            (Detail(reason="r", actual=0, limit=0), "0 seen, the limit is 0", "实际 0，上限 0"),
            (Detail(reason="r", limit=1234.56, unit=Unit.SECONDS), "the limit is 1,234.6 s", "上限 1,234.6 秒"),
            (Detail(reason="r", limit=5, unit=Unit.PAGES), "the limit is 5 pages", "上限 5 页"),
            (Detail(reason="r", allowed=("a", "b")), "allowed: a, b", "可用值：a, b"),
            (Detail(reason="r", allowed=()), "", ""),
            (
                Detail(reason="r", file=1, page=2, field="f", actual=9, limit=8, unit=Unit.PIXELS, allowed=("x",)),
                "file 1, page 2, field f, 9 px seen, the limit is 8 px, allowed: x",
                "文件 1，第 2 页，字段 f，实际 9 像素，上限 8 像素，可用值：x",
            ),
        ],
    )
    def test_it_is_told_in_words(self, detail: Detail, en: str, zh: str) -> None:
        assert describe_detail(detail, "en") == en
        assert describe_detail(detail, "zh") == zh

    def test_long_lists_of_choices_are_cut(self) -> None:
        choices = tuple(f"v{number}" for number in range(ALLOWED_VALUES_MAX + 1))
        assert describe_detail(Detail(reason="r", allowed=choices), "en") == "allowed: " + ", ".join(choices[:-1])

    @pytest.mark.parametrize("unit", Unit)
    def test_every_unit_has_its_word_in_both_languages(self, unit: Unit) -> None:
        detail = Detail(reason="r", limit=1, unit=unit)
        assert describe_detail(detail, "en") == f"the limit is 1 {unit.value}"
        assert describe_detail(detail, "zh").startswith("上限 1 ")
        assert not describe_detail(detail, "zh").isascii()


class TestProblem:
    def test_it_carries_the_entry_and_the_details_and_nothing_else(self) -> None:
        entry = make_entry(retryable=True)
        details = (Detail(reason="r", page=1), Detail(reason="r", page=2))
        assert make_problem(entry, details=details, retry_after_s=7.2) == Problem(
            code=41301,
            reason="page-too-large",
            kind=Kind.TOO_LARGE,
            level=Level.L2,
            message="The page is too large.",
            retryable=True,
            retry_after_s=8,
            doc_url="/errors/page-too-large",
            details=details,
        )

    def test_it_says_a_single_detail_in_the_message(self) -> None:
        one = (Detail(reason="r", limit=5, unit=Unit.PAGES),)
        assert make_problem(make_entry(), details=one).message == "The page is too large. (the limit is 5 pages)"
        assert make_problem(make_entry(), details=one, language="zh").message == "页面过大。（上限 5 页）"

    def test_a_detail_without_facts_adds_nothing(self) -> None:
        bare = (Detail(reason="r"),)
        assert make_problem(make_entry(), details=bare).message == "The page is too large."
        assert make_problem(make_entry(), details=bare, language="zh").message == "页面过大。"
        assert make_problem(make_entry()).details == ()

    @pytest.mark.parametrize(("asked", "told"), [(None, None), (0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (60, 60)])
    def test_a_wait_is_told_in_whole_seconds_rounded_up(self, asked: float | None, told: int | None) -> None:
        assert make_problem(make_entry(), retry_after_s=asked).retry_after_s == told


class TestCatalogue:
    def test_it_finds_by_reason_and_by_code_and_lists_by_code(self) -> None:
        later, earlier = make_entry(), make_entry(code=40402, reason="no-page")
        catalogue = Catalogue((later, earlier))
        assert list(catalogue) == [earlier, later]
        assert len(catalogue) == 2
        assert (catalogue.find("no-page"), catalogue.find("other")) == (earlier, None)
        assert (catalogue.find_code(41301), catalogue.find_code(1)) == (later, None)

    def test_an_entry_is_in_it_only_if_it_is_the_same(self) -> None:
        catalogue = Catalogue((make_entry(),))
        assert make_entry() in catalogue
        assert make_entry(retryable=True) not in catalogue
        assert make_entry(reason="other") not in catalogue

    @pytest.mark.parametrize("twin", [{"code": 41302}, {"reason": "other"}])
    def test_neither_a_code_nor_a_reason_stands_twice(self, twin: dict[str, Any]) -> None:
        second = make_entry(**twin)
        with pytest.raises(CatalogueError, match=rf"^{second.code} {second.reason} stands twice in the catalogue$"):
            Catalogue((make_entry(), second))


class TestExceptions:
    def test_one_holds_its_entry_and_says_no_more_than_its_reason(self) -> None:
        context = {"path": "/x"}
        error = LimitReached(make_entry(), details=(Detail(reason="r"),), retry_after_s=2.5, context=context)
        context["path"] = "changed"
        assert str(error) == "page-too-large"
        assert (error.entry, error.details, error.retry_after_s) == (make_entry(), (Detail(reason="r"),), 2.5)
        assert error.context == {"path": "/x"}
        bare = SystemFault(make_entry())
        assert (bare.details, bare.retry_after_s, bare.context) == ((), None, {})

    def test_one_survives_the_pipe_between_processes(self) -> None:
        error = ModelFailure(make_entry(), details=(Detail(reason="r", page=2),), retry_after_s=2.5, context={"a": 1})
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert type(copy) is ModelFailure
        assert (str(copy), copy.entry, copy.details, copy.retry_after_s, copy.context) == (
            "page-too-large",
            make_entry(),
            (Detail(reason="r", page=2),),
            2.5,
            {"a": 1},
        )

    def test_who_must_act_is_told_by_the_class(self) -> None:
        assert issubclass(LimitReached, BusinessError)
        assert issubclass(ModelFailure, SystemFault)
        assert not issubclass(BusinessError, SystemFault)
        assert issubclass(BusinessError, IronleafError)
        assert issubclass(SystemFault, IronleafError)


class TestForeignStatus:
    def test_the_generic_entry_comes_before_the_catalogues_own(self) -> None:
        own = make_entry(code=40401, reason="no-such-page")
        assert find_entry_by_status(404, Catalogue((*ENTRIES, own))) is NOT_FOUND

    def test_the_catalogues_own_is_taken_if_it_has_exactly_one(self) -> None:
        own = make_entry(code=41801, reason="teapot")
        assert find_entry_by_status(418, Catalogue((own,))) is own
        two = Catalogue((own, make_entry(code=41802, reason="kettle")))
        assert find_entry_by_status(418, two) is BAD_REQUEST

    @pytest.mark.parametrize(("status", "entry"), [(418, BAD_REQUEST), (499, BAD_REQUEST), (599, INTERNAL_ERROR)])
    def test_otherwise_the_class_answers(self, status: int, entry: Entry) -> None:
        assert find_entry_by_status(status, Catalogue(())) is entry
        assert find_entry_by_status(500, Catalogue(())) is INTERNAL_ERROR

    def test_nobody_is_answered_that_he_left(self) -> None:
        left = make_entry(code=49901, reason="left")
        assert find_entry_by_status(499, Catalogue((left,))) is BAD_REQUEST

    def test_the_first_of_several_generic_entries_is_the_most_general(self) -> None:
        for status, reason in {400: "bad-request", 503: "service-unavailable", 408: "request-timeout"}.items():
            assert find_entry_by_status(status, Catalogue(ENTRIES)).reason == reason
