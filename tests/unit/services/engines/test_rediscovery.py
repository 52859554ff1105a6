"""Who may stand in for a vanished model: the same family and seeing, nobody else."""

from __future__ import annotations

import pytest

from ironleaf.services.engines.rediscovery import choose_candidates, is_same_family, sees_images
from ironleaf.services.engines.vision_language.client import ModelCard


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ("qwen2-vl-instruct", "qwen2-vl-instruct-0"),
        ("qwen2-vl-instruct", "qwen2-vl-instruct-rep1"),
        ("qwen2-vl-instruct-0", "qwen2-vl-instruct-1"),
        ("a-vl-rep0", "a-vl-rep12"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl-7b-instruct-awq"),
        ("Qwen2.5-VL-7B-Instruct", "/models/Qwen2.5-VL-7B-Instruct-GPTQ-Int4/"),
        ("qwen2.5vl:7b", "qwen2.5vl:7b-q4_K_M"),
        ("olmOCR-2-7B-1025", "olmocr-2-7b-1025-FP8"),
    ],
)
def test_one_model_under_two_names(wanted: str, offered: str) -> None:
    assert is_same_family(wanted, offered)
    assert is_same_family(offered, wanted)


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ("qwen2-vl-2b", "qwen2-vl-7b"),
        ("qwen2-vl-instruct", "qwen2-instruct"),
        ("qwen2-vl-instruct", "qwen2.5-vl-instruct"),
        ("internvl-2", "internvl-3"),
        ("llava", "llava-next"),
        ("", "qwen2-vl"),
        ("/", "//"),
    ],
)
def test_two_models(wanted: str, offered: str) -> None:
    assert not is_same_family(wanted, offered)
    assert not is_same_family(offered, wanted)


@pytest.mark.parametrize(
    "name",
    [
        "qwen2-vl-instruct",
        "qwen2.5vl:7b",
        "Qwen3-VL-30B",
        "llava:13b",
        "olmOCR-7B",
        "PaddleOCR-VL",
        "llama-3.2-vision",
        "glm-4v",
        "glm-4.1v-thinking",
        "minicpm-v:8b",
        "deepseek-vl2",
        "internvl3-8b",
        "qwen-vl-max",
        "got-ocr2_0",
        "gpt-4o-mini",
        "pixtral-12b",
    ],
)
def test_names_that_speak_of_eyes(name: str) -> None:
    assert sees_images(ModelCard(id=name))


@pytest.mark.parametrize("name", ["qwen2-instruct", "deepseek-v3", "deepseek-v2.5", "mistral-v0.3", "text-embedding-3"])
def test_names_that_do_not(name: str) -> None:
    assert not sees_images(ModelCard(id=name))


def test_the_servers_word_counts_more_than_the_name() -> None:
    assert not sees_images(ModelCard(id="qwen2-vl", sees_images=False))
    assert sees_images(ModelCard(id="reader", sees_images=True))


def test_itself_first_then_those_the_server_vouches_for() -> None:
    cards = (
        ModelCard(id="qwen2-vl-0"),
        ModelCard(id="qwen2-vl-rep1", sees_images=True),
        ModelCard(id="qwen2-vl"),
        ModelCard(id="qwen2-vl-rep2", sees_images=False),
        ModelCard(id="other-vl", sees_images=True),
    )
    assert [card.id for card in choose_candidates(cards, "qwen2-vl")] == ["qwen2-vl", "qwen2-vl-rep1", "qwen2-vl-0"]


def test_a_name_of_the_operators_own_is_found_by_what_the_server_called_it() -> None:
    card = ModelCard(id="replacement", families=("qwen2-vl-instruct",), sees_images=True)
    assert choose_candidates((card,), "my-reader") == ()
    assert choose_candidates((card,), "my-reader", families=("qwen2-vl-instruct",)) == (card,)


def test_a_model_that_became_blind_is_no_candidate_under_its_own_name() -> None:
    assert choose_candidates((ModelCard(id="reader", sees_images=False),), "reader") == ()
