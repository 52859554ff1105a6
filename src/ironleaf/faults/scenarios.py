"""Every fault that the faulty model server can play, by name.

The bodies are inventions in the shapes that real servers use; each carries some
of the `CANARIES`, so that a test for leaks has something to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ironleaf.faults.acts import (
    FLAP_PERIOD,
    ONE_IN,
    SLOW_FACTOR,
    STACK,
    Act,
    answer_error_object,
    answer_late,
    answer_null,
    answer_prompt,
    answer_truncated,
    answer_well,
    answer_without_choices,
    cut_body,
    cut_stream,
    drip,
    fail_one_in,
    fall_silent,
    flap,
    ignore_image,
    never_reached,
    redirect_to_itself,
    refuse_as_fastapi,
    refuse_as_openai,
    refuse_in_words,
    repeat_request,
    reset,
    say,
    send_endless_headers,
    send_huge_body,
    send_page,
    send_picture,
    stay_silent,
    stop_without_finish,
    stream_error_event,
)
from ironleaf.faults.canaries import ACCOUNT, ADDRESS, HOST, KEY, PATH, PID, UID

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reach(StrEnum):
    """How far a client gets; decides the server's address and whether it listens."""

    ANSWERED = "answered"
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail."""

    name: str
    description: str
    act: Act
    reach: Reach = Reach.ANSWERED


_OVERLOAD: Final = refuse_as_openai(503, f"no free slot on {HOST}", "ServiceUnavailable", 503)
_GONE: Final = f"[address={ADDRESS}, {PID}] Model not found"

_ALL: Final[tuple[Fault, ...]] = (
    Fault(name="ok", description="answers well", act=answer_well),
    Fault(name="refused", description="nothing listens", act=never_reached, reach=Reach.REFUSED),
    Fault(name="reset", description="RST once the request is in", act=reset),
    Fault(name="silent-before-headers", description="takes the request, never answers", act=stay_silent),
    Fault(name="silent-after-headers", description="sends a head, then nothing", act=fall_silent),
    Fault(name="slow-drip", description="one byte at a time, for ever", act=drip),
    Fault(name="cut-body", description="half of the promised body, then the end", act=cut_body),
    Fault(name="cut-stream", description="a stream that ends in the middle of an event", act=cut_stream),
    Fault(name="dns", description="a host name that does not exist", act=never_reached, reach=Reach.DNS),
    Fault(name="tls", description="plain text where TLS is expected", act=never_reached, reach=Reach.TLS),
    Fault(name="wrong-content-type", description="200 with a picture", act=send_picture),
    Fault(name="huge-body", description="200 with a body without end", act=send_huge_body),
    Fault(name="endless-headers", description="header lines without end", act=send_endless_headers),
    Fault(name="redirect-loop", description="307 to itself", act=redirect_to_itself),
    Fault(name="400-model-gone", description="the replica is lost", act=refuse_as_fastapi(400, f"{_GONE}, uid: {UID}")),
    Fault(
        name="404-model-gone",
        description="the model is not served",
        act=refuse_as_openai(404, f"The model `{UID}` does not exist at {ADDRESS}.", "NotFoundError", 404),
    ),
    Fault(
        name="400-bad-key",
        description="a refused key under 400",
        act=refuse_as_openai(400, f"API key not valid: {KEY}.", "INVALID_ARGUMENT", 400),
    ),
    Fault(
        name="400-unpaid",
        description="an unpaid account under 400",
        act=refuse_as_openai(400, f"Access denied: account {ACCOUNT} is in arrears.", "Arrearage", "Arrearage"),
    ),
    Fault(
        name="401",
        description="the key is refused",
        act=refuse_as_openai(401, f"Incorrect API key provided: {KEY}.", "invalid_request_error", "invalid_api_key"),
    ),
    Fault(
        name="402",
        description="no balance left",
        act=refuse_as_openai(402, f"Insufficient balance on {ACCOUNT}.", "insufficient_balance", 402),
    ),
    Fault(
        name="403-region",
        description="the country is not served",
        act=refuse_as_openai(403, f"Country not supported ({ADDRESS}).", "request_forbidden", "unsupported_country"),
    ),
    Fault(
        name="404-no-images",
        description="the model takes no images",
        act=refuse_as_openai(404, f"No endpoints found that support image input ({UID}).", "not_found", 404),
    ),
    Fault(
        name="408", description="the server gave up waiting", act=refuse_as_fastapi(408, f"Request timed out on {HOST}")
    ),
    Fault(
        name="413-rate-tier",
        description="larger than the account's token rate",
        act=refuse_as_openai(
            413,
            f"Request too large for {UID} in {ACCOUNT} on tokens per minute (TPM): Limit 6000, Requested 9120.",
            "tokens",
            "rate_limit_exceeded",
        ),
    ),
    Fault(name="422-echo", description="a validation error that repeats the request", act=repeat_request),
    Fault(
        name="429-rate",
        description="too many requests a minute",
        act=refuse_as_openai(
            429, f"Rate limit reached for {ACCOUNT}: 20 requests per minute.", "requests", "rate_limit"
        ),
    ),
    Fault(
        name="429-quota",
        description="the plan's quota is used up",
        act=refuse_as_openai(
            429,
            f"You exceeded your current quota, check plan and billing of {ACCOUNT}.",
            "insufficient_quota",
            "insufficient_quota",
        ),
    ),
    Fault(
        name="429-overload",
        description="the engine is full",
        act=refuse_as_openai(
            429, f"The engine on {HOST} is overloaded, try again later.", "engine_overloaded_error", 429
        ),
    ),
    Fault(
        name="429-retry-after-7",
        description="too many requests, come back in 7 s",
        act=refuse_as_openai(429, f"Rate limit reached for {ACCOUNT}.", "requests", "rate_limit", {"retry-after": "7"}),
    ),
    Fault(
        name="500-bad-image", description="500 for one input", act=refuse_as_fastapi(500, "cannot identify image file")
    ),
    Fault(name="500-stack", description="a stack and a DSN", act=refuse_in_words(500, STACK)),
    Fault(
        name="500-stopping",
        description="the replica is stopping",
        act=refuse_as_fastapi(500, f"[address={ADDRESS}, {PID}] Model {UID} is in stopping state"),
    ),
    Fault(name="502-html", description="a proxy's page", act=send_page(502, "502 Bad Gateway")),
    Fault(name="503", description="no free slot", act=_OVERLOAD),
    Fault(name="504", description="a proxy's time-out page", act=send_page(504, "504 Gateway Time-out")),
    Fault(
        name="529",
        description="overloaded, under a status of its own",
        act=refuse_as_openai(529, f"Overloaded ({HOST})", "overloaded_error", None),
    ),
    Fault(name="200-html", description="a log-in page", act=send_page(200, "Sign in")),
    Fault(name="200-error-object", description="an error under 200", act=answer_error_object),
    Fault(name="200-empty", description="empty content", act=say("")),
    Fault(name="200-no-choices", description="no choices at all", act=answer_without_choices),
    Fault(name="200-null", description="null content", act=answer_null),
    Fault(name="200-truncated-json", description="two thirds of a JSON body", act=answer_truncated),
    Fault(name="200-length", description="cut by max_tokens", act=say("The text breaks off in the", "length")),
    Fault(name="200-loop", description="one line again and again", act=say("Total amount due 17.00\n" * 400)),
    Fault(
        name="200-refusal",
        description="the model declines",
        act=say("I'm sorry, but I can't assist with reading this document."),
    ),
    Fault(name="200-echo", description="the prompt as the answer", act=answer_prompt),
    Fault(
        name="200-error-text",
        description="an error message as content",
        act=say(f"Error: upstream connect error at {ADDRESS}, connection refused ({PATH})"),
    ),
    Fault(name="200-image-ignored", description="an answer without a look at the image", act=ignore_image),
    Fault(name="stream-error-event", description="an error event inside a 200", act=stream_error_event),
    Fault(
        name="stream-done-without-finish",
        description="[DONE] without a finish_reason",
        act=stop_without_finish,
    ),
    Fault(name="flapping", description=f"{FLAP_PERIOD} bad, {FLAP_PERIOD} good, ...", act=flap(_OVERLOAD)),
    Fault(name="slow-100x", description=f"{SLOW_FACTOR} times the usual time", act=answer_late),
    Fault(name="one-in-n", description=f"every {ONE_IN}th call fails", act=fail_one_in(ONE_IN, _OVERLOAD)),
)

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in _ALL}
"""Every fault by name; ``ok`` is the healthy server."""
