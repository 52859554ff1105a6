"""The engine that asks a vision-language model."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ironleaf.document import EngineName, PageResult, RenderSpec
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.errors import Level, ModelFailure
from ironleaf.services.engines.base import Capabilities, discard
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED, ENGINE_FAILED
from ironleaf.services.engines.upstream_failures import (
    CausedBy,
    FailureKind,
    UpstreamAnswer,
    UpstreamVerdict,
    classify,
    entry_for,
)
from ironleaf.services.engines.vision_language.answer import Answer, AnswerRejected, NotOffered, UpstreamFailure
from ironleaf.services.engines.vision_language.baseline import TextBaseline
from ironleaf.services.engines.vision_language.body import ChatFrame, ImageChanged, make_image_body, make_text_body
from ironleaf.services.engines.vision_language.client import ChatClient
from ironleaf.services.engines.vision_language.excerpt import make_excerpt
from ironleaf.services.engines.vision_language.refused_sizes import TOO_LARGE, RefusedSizes, measure_size
from ironleaf.services.engines.vision_language.reply import read_reply
from ironleaf.services.engines.vision_language.transport import HttpTransport
from ironleaf.services.engines.vision_language.trouble import CallFailed, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ironleaf.document import PageImage, PageSource
    from ironleaf.foundation.clock import Clock
    from ironleaf.services.engines.base import RecogniseRequest
    from ironleaf.services.engines.profiles import Profile
    from ironleaf.services.engines.vision_language.answer import Classify, Doubt, Judge, Watch
    from ironleaf.services.engines.vision_language.client import ModelCard
    from ironleaf.services.engines.vision_language.completion import Completion
    from ironleaf.services.engines.vision_language.reply import PageReply
    from ironleaf.services.engines.vision_language.settings import BackendSettings
    from ironleaf.services.engines.vision_language.transport import Transport

BASELINE_TIMEOUT_S: Final = 10.0
"""For one token about a short text."""
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")


class VisionLanguageEngine:
    """Reads a page with one model of one server.

    One call is one attempt: retries, breakers and fallbacks are guards around it.
    A page that the model calls turned is asked for once more, the right way up; one
    whose like the server has just refused as too large is not sent while an equal is left.

    ``judge`` says whether an answer may be believed, ``doubt`` what is doubtful in
    one that is; ``watch`` makes, for each call, a listener that can cut the stream.

    Raises (from `recognise`):
        UpstreamFailure: the server gave no usable answer; carries the verdict.
        AnswerRejected: the judge did not believe the answer.
        NotOffered: an equal can read it, and here it would be refused as too large.
        ModelFailure: the deadline was over before, or the spooled image vanished.
        IronleafError: what drawing the page raised.
    """

    def __init__(
        self,
        settings: BackendSettings,
        *,
        profile: Profile,
        classify: Classify = classify,
        judge: Judge | None = None,
        doubt: Doubt = lambda _: (),
        watch: Callable[[], Watch] | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._classify = classify
        self._judge = judge
        self._doubt = doubt
        self._watch = watch
        self._transport = transport or HttpTransport(settings)
        self._client = ChatClient(settings, transport=self._transport)
        self._clock = clock or SystemClock()
        self._model = settings.model
        self._baseline = TextBaseline(self._measure_text)
        self._refused = RefusedSizes()

    @property
    def name(self) -> EngineName:
        return EngineName.VL

    @property
    def alias(self) -> str:
        return self._settings.alias

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(needs_image=True, takes_prompt=True)

    @property
    def model(self) -> str:
        """The name by which the server knows the model at present. Private."""
        return self._model

    def use_model(self, model: str) -> None:
        """Ask for another model of the same server from now on."""
        self._model = model
        self._baseline = TextBaseline(self._measure_text)
        self._refused = RefusedSizes()

    def with_model(self, model: str) -> VisionLanguageEngine:
        """Return an engine that asks for another model over the same connections; closing them stays with this one."""
        twin = copy.copy(self)
        twin.use_model(model)
        return twin

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        prompt = request.prompt or self._make_prompt(request.languages)
        image, reply = await self._ask(page, prompt, request, turn_deg=0)
        turn_deg = reply.turn_deg
        if turn_deg and not request.deadline.expired():
            image, reply = await self._ask(page, prompt, request, turn_deg=turn_deg)
        return PageResult(
            engine=EngineName.VL,
            model=self.alias,
            text=reply.text,
            width_px=image.width_px,
            height_px=image.height_px,
            rotation_deg=turn_deg,
            language=reply.language,
            ink_share=image.ink_share,
            warnings=reply.doubts,
        )

    async def list_models(self) -> tuple[ModelCard, ...]:
        """Return what the server says it serves: for re-discovery and for `doctor`.

        Raises:
            UpstreamFailure: it does not say.
        """
        try:
            return await self._client.list_models()
        except CallFailed as error:
            raise self._judge_failure(error.answer) from error

    async def launch_model(self, spec: Mapping[str, object], *, timeout_s: float) -> None:
        """Have the server load a model, as Xinference does on ``POST /v1/models``; return when it says that it did.

        Raises:
            UpstreamFailure: it did not.
        """
        try:
            await self._client.launch_model(spec, timeout_s=timeout_s)
        except CallFailed as error:
            raise self._judge_failure(error.answer) from error

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _ask(
        self, page: PageSource, prompt: str, request: RecogniseRequest, *, turn_deg: int
    ) -> tuple[PageImage, PageReply]:
        image = await page.render(self._make_spec(turn_deg))
        try:
            self._check_shape(image)
            completion = await self._offer(prompt, image, request)
        finally:
            discard(image)
        doubts = await self._check_answer(completion, prompt, image, page.number)
        return image, replace(read_reply(completion.text, self._profile), doubts=doubts)

    async def _offer(self, prompt: str, image: PageImage, request: RecogniseRequest) -> Completion:
        size = measure_size(image, prompt)
        entry = self._refused.find(size, now_s=self._clock.monotonic()) if request.equal_left else None
        if entry is not None:
            raise NotOffered(entry, context={"backend": self.alias})
        try:
            completion = await self._call(prompt, image, request)
        except UpstreamFailure as failure:
            if failure.verdict.kind in TOO_LARGE:
                self._refused.note_refused(size, failure.entry, now_s=self._clock.monotonic())
            raise
        self._refused.note_taken(size)
        return completion

    async def _call(self, prompt: str, image: PageImage, request: RecogniseRequest) -> Completion:
        remaining_s = request.deadline.remaining_s()
        if remaining_s <= 0:
            raise ModelFailure(DEADLINE_EXCEEDED)
        total_s = min(remaining_s, self._settings.total_timeout_s)
        watch = self._watch() if self._watch else None
        stream = self._settings.stream
        try:
            body = make_image_body(self._make_frame(prompt, stream=stream), image)
            return await self._client.complete(
                body, stream=stream, total_s=total_s, watch=watch, silence=request.silence
            )
        except CallFailed as error:
            bound = error.trouble is Trouble.TOTAL_TIMEOUT and remaining_s < self._settings.total_timeout_s
            raise self._judge_failure(error.answer, deadline_bound=bound) from error
        except (ImageChanged, OSError) as error:
            raise ModelFailure(ENGINE_FAILED, context={"backend": self.alias}) from error

    async def _check_answer(self, completion: Completion, prompt: str, image: PageImage, page: int) -> tuple[str, ...]:
        if self._judge is None and completion.aborted is None:
            return ()
        answer = Answer(
            text=completion.text,
            prompt=prompt,
            finish_reason=completion.finish_reason,
            prompt_tokens=completion.prompt_tokens,
            text_tokens=await self._find_text_tokens(prompt, completion),
            completion_tokens=completion.completion_tokens,
            refusal=completion.refusal,
            aborted=completion.aborted,
            ink_share=image.ink_share,
            page=page,
        )
        rejection = self._judge(answer) if self._judge else None
        if rejection is not None:
            raise AnswerRejected(rejection, context={"backend": self.alias, "aborted": completion.aborted})
        if completion.aborted is not None:  # whoever cuts a stream has found it wanting
            raise self._judge_failure(UpstreamAnswer(http_status=200, exception="InvalidResponse"))
        return self._doubt(answer)

    async def _find_text_tokens(self, prompt: str, completion: Completion) -> int | None:
        if not self._settings.check_image_tokens:
            return None
        return await self._baseline.find(prompt, prompt_tokens=completion.prompt_tokens)

    async def _measure_text(self, prompt: str) -> int | None:
        body = make_text_body(self._make_frame(prompt, stream=False, max_tokens=1))
        try:
            completion = await self._client.complete(body, stream=False, total_s=BASELINE_TIMEOUT_S)
        except CallFailed:
            return None
        return completion.prompt_tokens

    def _judge_failure(self, answer: UpstreamAnswer, *, deadline_bound: bool = False) -> UpstreamFailure:
        verdict = self._classify(answer)
        context = {
            "backend": self.alias,
            "address": self._settings.base_url,
            "http_status": answer.http_status,
            "exception": answer.exception,
            "kind": verdict.kind.value,
            "rule": verdict.rule,
            "answer": make_excerpt(answer.body, secrets=(self._settings.api_key,)),
        }
        entry = entry_for(verdict.kind, verdict.level)
        return UpstreamFailure(entry, verdict=verdict, deadline_bound=deadline_bound, context=context)

    def _check_shape(self, image: PageImage) -> None:
        limit = self._profile.aspect_ratio_max
        long_px, short_px = max(image.width_px, image.height_px), min(image.width_px, image.height_px)
        if limit is None or long_px <= limit * short_px:
            return
        entry = entry_for(FailureKind.IMAGE_INVALID, Level.L1)
        verdict = UpstreamVerdict(
            kind=FailureKind.IMAGE_INVALID,
            caused_by=CausedBy.CLIENT_INPUT,
            retry_same_backend=False,
            fallback_other_backend=True,
            level=Level.L1,
            retry_after_s=None,
            rule="longer-than-the-model-takes",
            reason=entry.reason,
        )
        raise UpstreamFailure(entry, verdict=verdict, context={"backend": self.alias})

    def _make_prompt(self, languages: tuple[str, ...]) -> str:
        named = ", ".join(language for language in languages if _LANGUAGE.fullmatch(language))
        prompt = self._profile.prompt.strip()
        if not named or self._profile.language_hint is None:
            return prompt
        return f"{prompt}\n{self._profile.language_hint.replace('{languages}', named)}"

    def _make_spec(self, turn_deg: int) -> RenderSpec:
        return RenderSpec(
            encoding=self._profile.encoding,
            side_px_max=self._profile.side_px_max,
            pixels_max=self._profile.pixels_max,
            jpeg_quality=self._profile.jpeg_quality,
            rotation_deg=turn_deg,
        )

    def _make_frame(self, prompt: str, *, stream: bool, max_tokens: int | None = None) -> ChatFrame:
        settings, profile = self._settings, self._profile
        return ChatFrame(
            model=self._model,
            prompt=prompt,
            system_prompt=profile.system_prompt,
            image_style=settings.image_style or profile.image_style,
            image_first=profile.image_first,
            max_tokens=max_tokens or settings.max_tokens or profile.max_tokens,
            stream=stream,
            temperature=profile.temperature if settings.temperature is None else settings.temperature,
            top_p=profile.top_p if settings.top_p is None else settings.top_p,
            extra_body=settings.extra_body,
        )
