"""The machine behind the server: its memory, its process, its model."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

ENGINE_RULES: Final = (
    Rule(
        name="memory-too-small-to-load",
        outcome=outcome_of(FailureKind.OUT_OF_MEMORY, caused_by=CausedBy.OPERATOR),
        words=words(
            r"requires more (?:system |gpu |video )?memory",
            r"(?:runner process|load(?:ing)? (?:the )?model).{0,80}out of memory",
            r"(?:insufficient|not enough|no(?:t)? sufficient) (?:system |gpu |video )?"
            r"(?:resources|memory|vram)[ a-z]{0,20}(?:to load|to run|for (?:the )?model)",
            r"not? (?:have )?enough[ a-z]{0,12} memory to (?:run|load)|available memory for the cache blocks",
            r"larger than the (?:maximum|available) [a-z ]{0,12}kv cache",
            r"failed to load model.{0,120}(?:memory|vram)",
        ),
    ),
    Rule(
        name="out-of-memory",
        outcome=outcome_of(FailureKind.OUT_OF_MEMORY),
        words=words(
            r"out[ -]?of[ -]?memory|outofmemory|\boom\b|memoryerror|bad_alloc|cannot allocate memory",
            r"unable to allocate",
            r"failed to (?:m|c|re)?alloc(?:ate)?\b|cudamalloc|alloc_failed",
            r"(?:insufficient|not enough) (?:gpu |system |video |free )?(?:memory|vram)|insufficient memory",
            r"exit code 137|signal: killed|oom-?killed|exitcode: -9|显存|内存(?:不足|溢出)",
        ),
        exceptions=words(r"outofmemory|memoryerror"),
        unless=words(r"max_tokens .{0,20}memory limit"),
    ),
    Rule(
        name="model-starting",
        outcome=outcome_of(FailureKind.MODEL_LOADING),
        words=words(
            r"(?:model|weights|checkpoint)[^{}.]{0,120}(?:is |are |still |currently )+"
            r"(?:being )?(?:loading|loaded(?! with)|starting|warming|initiali[sz]ing"
            r"|launching|not (?:yet )?ready)",
            r"loading model\b(?!\.)|model (?:is )?loading|(?:currently|still) loading|warming up|cold start",
            r"waiting for (?:the )?(?:llama )?(?:runner|server|model) to (?:start|load)",
            r"(?:model|endpoint|server|service|runner|engine)[ a-z']{0,20}(?:is )?(?:still )?"
            r"(?:starting(?: up)?\b|not (?:yet )?(?:ready|started|initiali[sz]ed))",
            r"scaled? to zero|scaling up|is being (?:provisioned|created|launched)|not ready for inference",
            r"模型.{0,8}(?:加载中|正在加载|启动中)",
        ),
        codes=frozenset(
            {"modelnotreadyexception", "model_loading", "modelloading", "modelnotready", "model_not_ready"}
        ),
        unless=words(r"error loading model|failed to load|too large to be loaded|unable to load"),
    ),
    Rule(
        name="model-cannot-be-loaded",
        outcome=outcome_of(FailureKind.MODEL_LOADING, retry=False),
        words=words(
            r"(?:error|failed|failure|unable|cannot|can't|could not|couldn't)[ a-z]{0,12} load"
            r"(?:ing)? (?:the )?(?:model|weights|checkpoint|'|\")",
            r"error loading (?:llama )?model|unable to load|failed to load\b(?! image)|load_model failed",
            r"model[ a-z]{0,12}load(?:ing)? (?:failed|error|failure|timed out)|loading[ a-z]{0,20}failed",
            r"unknown model architecture|invalid file magic|safetensors|模型加载失败|加载模型.{0,6}失败",
            r"failed to (?:launch|start) model",
        ),
    ),
    Rule(
        name="model-too-large-to-be-served",
        outcome=outcome_of(FailureKind.MODEL_LOADING, caused_by=CausedBy.OPERATOR, retry=False),
        words=words(r"too large to be loaded|model[ a-z/.0-9-]{0,80}is too large"),
    ),
    Rule(
        name="engine-dead",
        outcome=outcome_of(FailureKind.ENGINE_CRASHED, retry=False, level=Level.L4),
        words=words(
            r"engine ?core (?:encountered|proc|died|failed|initialization)|enginedead",
            r"engine(?: process| core| loop)?(?: \([^)]{0,24}\))? (?:is |has |was |already )*"
            r"(?:dead|died|shut ?down|stopped|not running|terminated|failed)",
            r"background loop (?:has|is|was) (?:errored|not running|stopped)|mqengine",
            r"illegal memory access|device-side assert|unspecified launch failure|illegal instruction",
            r"cuda error(?!: out of)|cublas_status_(?!alloc)|cudnn_status|nccl|cudnn error|hip error",
            r"no cuda (?:gpu|capable)|no kernel image|cuda driver|misaligned address|ecc error|xid",
            r"failed to start (?:a |the )?(?:llama )?runner|runner process has terminated",
            r"runner (?:has )?(?:crashed|failed to start)|exit status \d|exit code[: (]|segmentation fault|sigsegv",
            r"sigabrt|signal: (?:segm|abort)|core dumped|ggml_assert",
            r"(?:model|engine|process) (?:has |had )?(?:unloaded or )?crashed",
            r"(?:scheduler|detokenizer|tokenizer manager|worker process|shard)[ a-z]{0,24}"
            r"(?:died|dead|crashed|hit an exception|not respond|exited|failed|is down)",
            r"couldn't get a response from (?:the )?detokenizer",
        ),
        exceptions=words(r"enginedead"),
        unless=words(r"remote server .{0,80}closed"),
    ),
    Rule(
        name="engine-restarts-by-itself",
        outcome=outcome_of(FailureKind.ENGINE_CRASHED),
        words=words(
            r"remote server .{0,80}closed|server may be closed|serverclosed",
            r"is in (?:stopping|stopped|error|terminating) state",
            r"actor[ a-z_.'-]{0,60}(?:died|dead|lost|crashed|not exist|restarted|terminated)|actornotexist",
            r"actor process",
            r"runner has unexpectedly stopped|unexpectedly stopped|runner process no longer running",
            r"error was encountered while running the model|resource limitations or an internal error",
            r"post predict.{0,160}(?:eof|refused|reset)",
            r"(?:server|engine|model|worker) (?:is )?(?:shutting down|restarting|recovering|being restarted)",
            r"cannot schedule new futures after shutdown|subprocess[ a-z]{0,16}(?:died|exited|terminated)",
            r"worker[ a-z]{0,24}(?:exited|died|lost|killed|terminated) ?(?:unexpectedly)?",
            r"replica[ a-z0-9_-]{0,30}(?:died|lost|crashed|restarting)",
        ),
        codes=frozenset({"serverclosed", "actornotexist"}),
    ),
)
