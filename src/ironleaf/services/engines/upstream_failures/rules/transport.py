"""The way there and back: time, gateways, connections, and answers that are none."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind
from ironleaf.services.engines.upstream_failures.evidence import NO_STATUS
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

_REFUSED = (
    r"connection ?refused|econnrefused|actively refused|connect call failed|errno 111\b|errno 61\b|error 10061|"
    r"os error 111|all connection attempts failed"
)

TRANSPORT_RULES: Final = (
    Rule(
        name="no-healthy-backend",
        outcome=outcome_of(FailureKind.BAD_GATEWAY, retry=False, level=Level.L4),
        words=words(
            r"no healthy",
            r"no (?:live|alive|active|ready|available|running) (?:upstreams?|backends?"
            r"|workers?|replicas?|nodes?|servers?|hosts?|pods?|instances?|endpoints?"
            r"|targets?|peers?)\b",
            r"all (?:backends|upstreams|replicas|workers|servers) (?:are )?(?:down|unhealthy|dead)",
            r"failure to get a peer from the ring-balancer|err_ngrok_3200|endpoint [a-z0-9.-]{1,80} is offline",
            r"error(?: code:)? 1033|application not responding|no application",
        ),
        unless=words(r"rate[- ]limit", r"try again in \d"),
    ),
    Rule(
        name="time-out-status",
        outcome=outcome_of(FailureKind.TIMEOUT),
        statuses=frozenset({408, 504, 522, 524}),
    ),
    Rule(
        name="gateway-lost-its-backend",
        outcome=outcome_of(FailureKind.BAD_GATEWAY),
        words=words(
            r"bad[ _]?gateway|upstream connect error|upstream prematurely closed|disconnect/reset before headers",
            r"invalid response (?:was received )?from (?:the |an )?upstream",
            r"(?:web server|origin) is (?:down|unreachable)|web server returned an unknown error",
            r"ssl handshake failed|invalid ssl certificate",
            r"error (?:code:? )?52[0-3567]\b|no server is available to handle",
            r"upstream (?:server )?(?:error|unavailable|returned|request failed|service)|upstream_error",
            r"http: proxy error|proxy error|error from (?:the )?upstream|bad response status code 5\d\d",
            r"upstream[ _](?:connection[ _])?(?:reset|closed|terminated|disconnect)|connection[ _]termination",
            r"do_request_failed|do request failed|err_ngrok_8012",
            r"backend[ a-z]{0,16}(?:unavailable|unreachable|error|fetch failed)",
            r"上游.{0,8}(?:错误|异常|失败|不可用)",
        ),
        # With a status of 4xx it is the backend's refusal that the gateway hands on.
        statuses=frozenset({NO_STATUS, 200, 500, *range(502, 600)}),
        codes=frozenset(
            {
                "bad_gateway",
                "upstream_error",
                "do_request_failed",
                "bad_response",
                "upstreamerror",
                "upstream_connect_error",
            }
        ),
        unless=words(
            r"timed? ?-?out|timeout|deadline",
            r"rate[- ]?limit",
            r"get request url failed",  # a gateway that could not build the call: its own set-up is wrong
        ),
    ),
    Rule(
        name="connection-refused-behind-gateway",
        outcome=outcome_of(FailureKind.BAD_GATEWAY),
        words=words(_REFUSED, r"dial tcp|connection reset|econnreset|no route to host|no such host"),
        statuses=frozenset({502, 503}),
    ),
    Rule(
        name="connection-timed-out",
        outcome=outcome_of(FailureKind.TIMEOUT, caused_by=CausedBy.NETWORK),
        words=words(
            r"connect(?:ion)?[ _]?timed? ?out|connect[ _]?timeout|etimedout|und_err_connect_timeout"
            r"|connection to .{0,120}timed out|error 10060"
        ),
        exceptions=words(r"connecttimeout|connectiontimeout|pooltimeout"),
    ),
    Rule(
        name="time-out",
        outcome=outcome_of(FailureKind.TIMEOUT),
        words=words(
            r"time[ds]?[ -]?out|timeout|deadline[ _]?(?:was )?exceeded|(?:took|taking) too long",
            r"didn't respond in time|did not (?:respond|complete|finish)[ a-z]{0,16} (?:in|within)",
            r"error code:? 524|err_timeout|超时",
        ),
        codes=frozenset(
            {
                "deadline_exceeded",
                "timeout",
                "gateway_timeout",
                "request_timeout",
                "timeouterror",
                "function_invocation_timeout",
                "modeltimeoutexception",
            }
        ),
        exceptions=words(r"timeout|timedout|deadlineexceeded"),
    ),
    Rule(
        name="connection-refused",
        outcome=outcome_of(FailureKind.CONNECTION, caused_by=CausedBy.UPSTREAM),
        words=words(_REFUSED),
        exceptions=words(r"connectionrefused"),
    ),
    Rule(
        # The same certificate is shown again: waiting mends nothing.
        name="certificate-not-believed",
        outcome=outcome_of(FailureKind.CONNECTION, retry=False),
        words=words(
            r"certificate[_ ]verify[_ ]failed|self[- ]signed certificate",
            r"certificate (?:has |is )?(?:expired|not valid)",
            r"unable to (?:get|verify)[ a-z]{0,20}(?:issuer|certificate)|hostname mismatch|err_tls_cert|x509: ",
        ),
        exceptions=words(r"certificateerror|certverif"),
    ),
    Rule(
        name="answer-cannot-be-parsed",
        outcome=outcome_of(FailureKind.PROTOCOL),
        words=words(
            r"unexpected token .{0,60}(?:json|<|position)|is not valid json|unexpected end of json",
            r"expecting value: line|expecting ',' delimiter|unterminated string",
            r"invalid character '.{1,3}' (?:looking for|after)|jsondecodeerror",
            r"failed to (?:parse|decode) (?:the )?(?:json|response|stream|chunk)|unexpected mimetype",
            r"invalid json (?:response|body)",
            r"not in (?:the )?expected format",
            r"(?:empty|invalid|malformed|unexpected|incomplete|no) (?:or [a-z]{1,12} )?"
            r"(?:response|reply|completion|answer|stream)(?! status)",
            r"response (?:was |is )?(?:empty|malformed|invalid|not valid)",
            r"no '?(?:choices|content|output|candidates)\b",
            r"(?:choices|content|candidates) (?:is|are|was|were) (?:empty|missing|null|none|undefined)",
            r"reading '(?:choices|0|message|content|candidates|length)'|keyerror: 'choices'",
            r"null value for 'choices'|without (?:a )?finish[_ ]reason|stream ended|invalid chunk",
        ),
        exceptions=words(
            r"jsondecode|syntaxerror|contenttype|responsevalidation|decodingerror|unicodedecode"
            r"|unexpectedresponse|invalidresponse|parseerror"
        ),
        unless=words(r"internal server error", r"\[address="),
    ),
    Rule(
        name="connection-broken",
        outcome=outcome_of(FailureKind.CONNECTION),
        words=words(
            r"connection (?:reset|aborted|closed|lost|error|broken|failed|terminated|was (?:closed|reset|forcibly))",
            r"connection to .{0,60}(?:lost|failed|closed)|econnreset|econnaborted|epipe|broken pipe",
            r"socket hang ?up|premature close|remote end closed|server disconnected|peer closed|forcibly closed",
            r"incomplete(?:read| chunked)|response payload is not completed|other side closed|und_err_socket",
            r"unexpected eof",
            r"(?:unable|failed|fail|cannot|can't|could not|couldn't|not able)(?: to)? (?:connect|reach)\b",
            r"fetch failed|failed to fetch|network (?:error|is unreachable|connection)|err_network",
            r"no route to host|host is down|enotfound|eai_again|getaddrinfo|name or service not known",
            r"name resolution|nodename nor servname|could not resolve host|\bdns\b|cannot connect to host",
            r"failed to establish a new connection|max retries exceeded|connecterror",
            r"^terminated$|\bssl|\btls\b|certificate|eof occurred|unexpected eof|protocol error|http2",
            r"stream error|received from peer|stream (?:was )?(?:reset|cancel|closed|interrupted)|goaway|dial tcp",
            r"apiconnectionerror",
            r"(?:server|service|daemon|instance) (?:is|may|might)(?: not|n't)(?: be)? running",
            r"网络(?:错误|异常|连接)|连接.{0,6}(?:失败|断开|重置|超时)",
        ),
        exceptions=words(
            r"connect|readerror|writeerror|protocolerror|disconnected|payloaderror|chunkedencoding"
            r"|sslerror|ssl|networkerror|clientoserror|oserror|brokenpipe|incompleteread"
            r"|gaierror|proxyerror|socket|closedresource|transport|streamerror|eof|reset"
            r"|transfer"
        ),
        unless=words(r"internal server error: (?!.{0,40}connection)", r"client disconnected"),
    ),
    Rule(
        # The call gave no error; our side, or the client library, stumbled over what it gave.
        name="client-stumbled-over-answer",
        outcome=outcome_of(FailureKind.PROTOCOL),
        words=words(
            r"(?:nonetype|undefined|'str') .{0,30}(?:subscriptable|attribute|iterable"
            r"|choices)|list index out of range|pars(?:e|ing) [a-z_ ]{0,16}(?:response"
            r"|answer|reply|output)|parse.error at"
        ),
        exceptions=words(r"keyerror|indexerror|typeerror|attributeerror|validationerror"),
        statuses=frozenset({NO_STATUS, 200}),
    ),
)

STATUS_RULES: Final = (
    Rule(name="status-401", outcome=outcome_of(FailureKind.AUTH), statuses=frozenset({401, 407})),
    Rule(name="status-403", outcome=outcome_of(FailureKind.PERMISSION), statuses=frozenset({403, 451})),
    Rule(name="status-429", outcome=outcome_of(FailureKind.RATE_LIMITED), statuses=frozenset({429})),
    Rule(
        name="status-502",
        outcome=outcome_of(FailureKind.BAD_GATEWAY),
        statuses=frozenset({502, 520, 521, 523, 525, 526, 527, 530}),
    ),
    Rule(name="status-503", outcome=outcome_of(FailureKind.OVERLOADED), statuses=frozenset({503, 529})),
    Rule(
        name="gateway-hides-the-cause",
        outcome=outcome_of(FailureKind.UNKNOWN, caused_by=CausedBy.UPSTREAM, retry=False),
        words=words(
            r"provider returned error|bad (?:response )?status code:? 4\d\d|bad_response_status_code"
            r"|unknown error|unknown_error"
        ),
        statuses=frozenset({400, 404, 405, 406, 409, 410, 415, 421, 422, 424}),
    ),
    Rule(
        name="status-4xx",
        # Never the caller's fault: what an upstream refuses, we sent.
        outcome=outcome_of(FailureKind.BAD_PARAMETER),
        statuses=frozenset({400, 404, 405, 406, 409, 410, 411, 414, 415, 421, 422, 424, 431}),
    ),
    Rule(
        name="server-cannot-run-this-model",
        outcome=outcome_of(FailureKind.INTERNAL_ERROR, caused_by=CausedBy.OPERATOR, retry=False),
        words=words(
            r"(?:unimplemented|unsupported|unknown|unrecognized) (?:model type|architecture|model class|config)"
        ),
        statuses=frozenset({500, 501}),
    ),
    Rule(
        name="server-bug-repeats-itself",
        outcome=outcome_of(FailureKind.INTERNAL_ERROR, retry=False),
        words=words(
            r"unimplemented|not ?implemented|unsupported|not supported|attributeerror|typeerror|keyerror",
            r"importerror|modulenotfounderror|assertionerror|valueerror|indexerror|nameerror|has no attribute",
            r"is not defined|shape mismatch|shapes cannot be|mat1 and mat2|must match the size|no module named",
            r"unexpected keyword|index out of range|can only concatenate|unsupported operand|positional argument",
            r"nonetype",
            r"not subscriptable|error: '[a-z_]{1,40}'|expected scalar type|dtype",
        ),
        statuses=frozenset({500, 501}),
    ),
    Rule(
        name="server-gives-no-words",
        outcome=outcome_of(FailureKind.UNKNOWN),
        words=words(
            r"^(?:\[address=[^\]]{1,80}\]|\{\"detail\": ?\"\"\}|\{\}|null|none|error|unknown error\.?|unknown)$"
        ),
    ),
    Rule(
        name="server-internal",
        outcome=outcome_of(FailureKind.INTERNAL_ERROR),
        words=words(
            r"internal[ _]?(?:server)?[ _]?(?:error|exception|failure)|server[ _]had an error|server_error",
            r"api_error|server error|unexpected error|something went wrong|unexpected exception|系统(?:错误|异常|内部)",
            r"内部错误|服务(?:器)?(?:内部)?(?:错误|异常)|runtimeerror|traceback",
            r"(?:completion|generation|inference|prediction)(?: request)? failed|server'?s? logs?",
        ),
        codes=frozenset(
            {
                "internal_error",
                "internal",
                "internal_server_error",
                "server_error",
                "api_error",
                "internalservererror",
                "internalfailure",
                "internalserverexception",
                "modelerrorexception",
            }
        ),
    ),
    Rule(
        name="status-5xx",
        outcome=outcome_of(FailureKind.INTERNAL_ERROR),
        statuses=frozenset({500, 501, 505, 507, 508, 511}),
    ),
)
