"""Builds a vision-language model of 0.6 million weights that knows a few pages by heart. Run by the servers' Python.

Reads a JSON object from standard input: ``out`` (a directory to make), ``prompt``, ``pages`` (each with ``image``, a
path, and ``text``) and ``steps``; with 0 steps the weights stay random and the text is noise. No hub is asked.

It is of the Qwen2-VL architecture, so that vLLM, Xinference and Transformers serve it as one of their own. Heads have
64 dimensions: with fewer, vLLM's attention on a CPU dies with the first request, after a green health check.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in c %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTEXT_TOKENS = 4096
VOCABULARY = 1024
WIDTH = 128
PIXELS_MIN, PIXELS_MAX = 256 * 28 * 28, 1280 * 28 * 28
"""What Xinference sets, whatever the model's files say: with other values the model would see other pictures there."""
LEARNING_RATE = 2e-3
LOSS_LEARNED = 0.001
"""Every token is then far ahead at its place, also where a server computes with 16 bits."""
IGNORED = -100
"""What the loss does not look at: prompt and picture."""


def main() -> None:
    order = json.load(sys.stdin)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    processor = make_processor([order["prompt"], *(page["text"] for page in order["pages"])])
    model = make_model(processor.tokenizer)
    loss = teach(model, processor, order) if order["steps"] else None
    save(model, processor, Path(order["out"]))
    print(json.dumps({"weights": sum(each.numel() for each in model.parameters()), "loss": loss}))  # noqa: T201


def make_processor(texts: list[str]) -> Any:
    """Return tokenizer, image side and chat template as one."""
    bytes_pairs = Tokenizer(models.BPE())
    bytes_pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytes_pairs.train_from_iterator(texts * 4, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_pairs,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[mark for mark in MARKS if mark not in {"<|im_end|>", "<|endoftext|>"}],
        model_max_length=CONTEXT_TOKENS,
    )
    tokenizer.chat_template = TEMPLATE
    pixels = {"min_pixels": PIXELS_MIN, "max_pixels": PIXELS_MAX}
    return transformers.Qwen2VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(**pixels),
        video_processor=transformers.Qwen2VLVideoProcessor(**pixels),
        tokenizer=tokenizer,
        chat_template=TEMPLATE,
    )


def make_model(tokenizer: Any) -> Any:
    """Return the model with random weights."""
    known = tokenizer.convert_tokens_to_ids
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": CONTEXT_TOKENS,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "max_window_layers": 2,
        "bos_token_id": known("<|endoftext|>"),
        "eos_token_id": known("<|im_end|>"),
        "pad_token_id": known("<|endoftext|>"),
        "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
        "rope_theta": 1e6,
    }
    sight = {
        "depth": 2,
        "embed_dim": 64,
        "hidden_size": WIDTH,
        "num_heads": 2,
        "mlp_ratio": 2,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "in_channels": 3,
    }
    config = transformers.Qwen2VLConfig(
        text_config=text,
        vision_config=sight,
        tie_word_embeddings=True,
        image_token_id=known("<|image_pad|>"),
        video_token_id=known("<|video_pad|>"),
        vision_start_token_id=known("<|vision_start|>"),
        vision_end_token_id=known("<|vision_end|>"),
    )
    model = transformers.Qwen2VLForConditionalGeneration(config).to(torch.float32)
    model.generation_config.eos_token_id = known("<|im_end|>")
    model.generation_config.pad_token_id = known("<|endoftext|>")
    model.generation_config.do_sample = False
    return model


def teach(model: Any, processor: Any, order: dict[str, Any]) -> float:
    """Have the model learn the pages by heart; return the last loss."""
    lessons = [make_lesson(processor, order["prompt"], page) for page in order["pages"]]
    learning = [each for name, each in model.named_parameters() if ".visual." not in name]
    optimiser = torch.optim.AdamW(learning, lr=LEARNING_RATE)
    worst = float("inf")
    with look_once(model.model):
        for _ in range(order["steps"]):
            optimiser.zero_grad()
            losses = [model(**lesson).loss for lesson in lessons]
            torch.stack(losses).sum().backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            worst = max(loss.item() for loss in losses)
            if worst < LOSS_LEARNED:
                break
    return worst


@contextmanager
def look_once(core: Any) -> Iterator[None]:
    """Leave the eyes as they are, and compute what they see of each page only once: it was nine tenths of the time."""
    seen: dict[float, Any] = {}
    look = core.get_image_features

    def remember(pixels: Any, *args: Any, **more: Any) -> Any:
        key = pixels.sum().item()
        if key not in seen:
            with torch.no_grad():
                seen[key] = look(pixels, *args, **more)
        return seen[key]

    core.get_image_features = remember
    try:
        yield
    finally:
        core.get_image_features = look


def make_lesson(processor: Any, prompt: str, page: dict[str, str]) -> dict[str, Any]:
    """Return what the model sees of a page, and what it should say."""
    question = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
    asked = processor.apply_chat_template(question, add_generation_prompt=True)
    picture = Image.open(page["image"]).convert("RGB")
    lesson = processor(text=[f"{asked}{page['text']}<|im_end|>"], images=[picture], return_tensors="pt")
    asked_tokens = processor(text=[asked], images=[picture], return_tensors="pt")["input_ids"].shape[1]
    labels = lesson["input_ids"].clone()
    labels[:, :asked_tokens] = IGNORED
    return {**lesson, "labels": labels}


def save(model: Any, processor: Any, out: Path) -> None:
    """Write the directory that the servers load."""
    model.save_pretrained(out)
    processor.save_pretrained(out)
    path = out / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # Loaders choose the class by the model's type; this one every version knows.
    config |= {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE}
    path.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
