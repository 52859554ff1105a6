"""Every rule of the table decides at least one answer; the answers are invented in the servers' shapes."""

# ruff: noqa: E501 (a table reads best with one case a line)

from __future__ import annotations

from collections import Counter

import pytest

from ironleaf.services.engines.upstream_failures import FailureKind, UpstreamAnswer, classify
from ironleaf.services.engines.upstream_failures.rules import RULES

K = FailureKind


def answer(status: int | None, body: str, exception: str | None = None) -> UpstreamAnswer:
    return UpstreamAnswer(http_status=status, body=body, exception=exception)


BY_RULE: tuple[tuple[str, FailureKind, UpstreamAnswer], ...] = (
    ("tier-smaller-than-request", K.CONTEXT_TOO_LONG,
     answer(413, '{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 500, Requested 900"}}')),
    ("quota-limit-zero", K.QUOTA_EXHAUSTED,
     answer(429, "{'error': {'message': 'Quota exceeded for metric m/requests, limit: 0', 'status': 'RESOURCE_EXHAUSTED'}}")),
    ("quota-of-a-day-or-month", K.QUOTA_EXHAUSTED, answer(429, "Rate limit reached on requests per day (RPD): Limit 20, Used 20. Retry in 9s.")),
    ("rate-violation-in-a-quota-answer", K.RATE_LIMITED,
     answer(429, '{"error":{"message":"You exceeded your current quota","details":[{"quotaId":"TokensPerMinute"},{"retryDelay":"9s"}]}}')),
    ("quota-money", K.QUOTA_EXHAUSTED, answer(400, '{"code":"Arrearage","message":"Please make sure your account is in order."}')),
    ("quota-payment-required-status", K.QUOTA_EXHAUSTED, answer(402, "")),
    ("content-filter", K.CONTENT_FILTERED, answer(400, '{"error":{"code":"content_filter","message":"The prompt was refused."}}')),
    ("image-count-limit", K.BAD_PARAMETER, answer(400, '{"message":"At most 2 image(s) may be given.","type":"BadRequestError"}')),
    ("image-link-not-fetched", K.BAD_PARAMETER, answer(400, '{"error":{"message":"Failed to download image from the given address"}}')),
    ("image-input-unsupported", K.IMAGE_UNSUPPORTED_BY_MODEL, answer(400, '{"error":"m-7b does not support image input"}')),
    ("image-too-large", K.IMAGE_TOO_LARGE, answer(400, '{"error":{"message":"content.1.image: image exceeds 3 MB maximum"}}')),
    ("image-shape-or-format-refused", K.IMAGE_INVALID, answer(400, '{"message":"absolute aspect ratio must be smaller than 90, got 120"}')),
    ("image-cannot-be-decoded", K.IMAGE_INVALID, answer(500, '{"detail":"cannot identify image file <_io.BytesIO object>"}')),
    ("context-window", K.CONTEXT_TOO_LONG,
     answer(400, "This model's maximum context length is 1000 tokens. However, your messages resulted in 1400 tokens.")),
    ("payload-too-large", K.PAYLOAD_TOO_LARGE, answer(400, '{"error":{"message":"Request payload size exceeds the limit: 9 bytes."}}')),
    ("payload-too-large-status", K.PAYLOAD_TOO_LARGE, answer(413, "")),
    ("memory-too-small-to-load", K.OUT_OF_MEMORY, answer(500, '{"error":"model requires more system memory (9 GiB) than is available (2 GiB)"}')),
    ("out-of-memory", K.OUT_OF_MEMORY, answer(500, '{"detail":"[address=h:1, pid=2] CUDA out of memory."}')),
    ("model-starting", K.MODEL_LOADING, answer(503, '{"error":{"message":"Model m is currently loading","code":503}}')),
    ("model-cannot-be-loaded", K.MODEL_LOADING, answer(400, 'Failed to load model "m". Error: Error loading model.')),
    ("model-too-large-to-be-served", K.MODEL_LOADING, answer(403, "The model org/m is too large to be loaded automatically (9GB > 5GB).")),
    ("engine-dead", K.ENGINE_CRASHED, answer(500, '{"error":{"message":"EngineCore encountered an issue.","type":"InternalServerError"}}')),
    ("engine-restarts-by-itself", K.ENGINE_CRASHED, answer(500, "Internal Server Error: Remote server h:1 closed: Server may be closed")),
    ("region-refused", K.PERMISSION, answer(400, "{'error': {'message': 'User location is not supported here.', 'code': 400}}")),
    ("credentials-refused", K.AUTH, answer(400, '{"error":{"message":"API key not valid.","status":"INVALID_ARGUMENT"}}')),
    ("access-to-model-refused", K.PERMISSION, answer(403, '{"message":"You are not authorized to use model m, or it does not exist"}')),
    ("access-refused", K.PERMISSION, answer(403, '{"error":{"type":"permission_error","message":"Your key may not do that."}}')),
    ("model-served-replica-vanished", K.MODEL_NOT_FOUND, answer(400, "{'detail': '[address=h:1, pid=2] Model not found, uid: my-vl-0'}")),
    ("model-not-served", K.MODEL_NOT_FOUND, answer(404, '{"error":{"message":"The model `m` does not exist.","type":"NotFoundError"}}')),
    ("router-cools-down", K.OVERLOADED, answer(429, "No deployments available for selected model, Try again in 5 seconds.")),
    ("gateway-sheds-load", K.OVERLOADED, answer(503, "upstream connect error before headers. reset reason: overflow")),
    ("overloaded-words", K.OVERLOADED, answer(200, '{"error":{"type":"overloaded_error","message":"Overloaded"}}')),
    ("rate-words", K.RATE_LIMITED, answer(503, '{"message":"Requests rate limit exceeded"}')),
    ("no-healthy-backend", K.BAD_GATEWAY, answer(503, "no healthy upstream")),
    ("time-out-status", K.TIMEOUT, answer(524, "<html><title>524</title></html>")),
    ("gateway-lost-its-backend", K.BAD_GATEWAY, answer(500, "<html><head><title>502 Bad Gateway</title></head><body></body></html>")),
    ("connection-refused-behind-gateway", K.BAD_GATEWAY, answer(502, "dial tcp h:1: connect: connection refused")),
    ("connection-timed-out", K.TIMEOUT, answer(None, "", "httpx.ConnectTimeout")),
    ("time-out", K.TIMEOUT, answer(None, "Request timed out.", "openai.APITimeoutError")),
    ("connection-refused", K.CONNECTION, answer(None, "[Errno 111] Connection refused", "httpx.ConnectError")),
    ("certificate-not-believed", K.CONNECTION, answer(None, "", "aiohttp.client_exceptions.ClientConnectorCertificateError")),
    ("answer-cannot-be-parsed", K.PROTOCOL, answer(None, "Expecting value: line 1 column 1 (char 0)", "json.decoder.JSONDecodeError")),
    ("connection-broken", K.CONNECTION, answer(None, "", "aiohttp.client_exceptions.ServerDisconnectedError")),
    ("client-stumbled-over-answer", K.PROTOCOL, answer(None, "'NoneType' object is not subscriptable", "TypeError")),
    ("request-built-wrongly", K.BAD_PARAMETER, answer(422, '{"detail":[{"type":"missing","msg":"Field required"}]}')),
    ("vendor-number-auth", K.AUTH, answer(400, '{"error":{"code":"1002"}}')),
    ("vendor-number-quota-exhausted", K.QUOTA_EXHAUSTED, answer(200, '{"base_resp":{"status_code":1008,"status_msg":""}}')),
    ("vendor-number-permission", K.PERMISSION, answer(429, '{"error":{"code":"1121"}}')),
    ("vendor-number-content-filtered", K.CONTENT_FILTERED, answer(200, '{"header":{"code":10013,"message":"","sid":"a"}}')),
    ("vendor-number-context-too-long", K.CONTEXT_TOO_LONG, answer(400, '{"error":{"code":"1261"}}')),
    ("vendor-number-image-unsupported-by-model", K.IMAGE_UNSUPPORTED_BY_MODEL, answer(400, '{"code":20041,"data":null}')),
    ("vendor-number-model-not-found", K.MODEL_NOT_FOUND, answer(400, '{"code":20012,"data":null}')),
    ("vendor-number-bad-parameter", K.BAD_PARAMETER, answer(200, '{"error_code":336003,"error_msg":""}')),
    ("vendor-number-rate-limited", K.RATE_LIMITED, answer(200, '{"base_resp":{"status_code":1002}}')),
    ("vendor-number-overloaded", K.OVERLOADED, answer(500, '{"error":{"code":"1305"}}')),
    ("vendor-number-timeout", K.TIMEOUT, answer(200, '{"base_resp":{"status_code":1001}}')),
    ("vendor-number-internal-error", K.INTERNAL_ERROR, answer(200, '{"error":{"code":"1234"}}')),
    ("status-401", K.AUTH, answer(401, "")),
    ("status-403", K.PERMISSION, answer(403, "")),
    ("status-429", K.RATE_LIMITED, answer(429, "")),
    ("status-502", K.BAD_GATEWAY, answer(502, "")),
    ("status-503", K.OVERLOADED, answer(503, "")),
    ("gateway-hides-the-cause", K.UNKNOWN, answer(400, '{"error":{"message":"Provider returned error","code":400}}')),
    ("status-4xx", K.BAD_PARAMETER, answer(400, "")),
    ("server-cannot-run-this-model", K.INTERNAL_ERROR, answer(500, "internal server error: Unimplemented model type: xyz")),
    ("server-bug-repeats-itself", K.INTERNAL_ERROR, answer(500, '{"error":{"message":"\'list\' object has no attribute \'strip\'"}}')),
    ("server-gives-no-words", K.UNKNOWN, answer(500, "[address=h:1, pid=2] ")),
    ("server-internal", K.INTERNAL_ERROR, answer(500, "Internal Server Error")),
    ("status-5xx", K.INTERNAL_ERROR, answer(500, "")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "case"), BY_RULE, ids=[name for name, _, _ in BY_RULE])
def test_the_rule_decides_its_answer(name: str, kind: FailureKind, case: UpstreamAnswer) -> None:
    verdict = classify(case)
    assert (verdict.rule, verdict.kind) == (name, kind)


def test_every_rule_is_used_and_named_once() -> None:
    names = Counter(rule.name for rule in RULES)
    assert [name for name, count in names.items() if count > 1] == []
    assert {name for name, _, _ in BY_RULE} == set(names)


def test_every_kind_is_reached() -> None:
    assert {kind for _, kind, _ in BY_RULE} == set(FailureKind)


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        (K.OVERLOADED, answer(None, "[address=127.0.0.1:1, pid=2] Parallel generation is not supported by that-engine.")),
        (K.OVERLOADED, answer(503, "ResourceExhausted: worker local total request limit reached (8/8)")),
        (K.RATE_LIMITED, answer(429, '"Tokens per minute limit exceeded - too many tokens were processed."')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"detail":{"message":"The monthly tokens of this plan have all been consumed."}}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"message":"You have used all of your free requests."}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"error":{"message":"Trial credits expired"}}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"code":"monthly_limit","message":"Limit: 900/month"}')),
        (K.QUOTA_EXHAUSTED, answer(429, "可用额度为0")),
        (K.IMAGE_UNSUPPORTED_BY_MODEL, answer(400, '{"error":{"message":"This model cannot process images"}}')),
        (K.OUT_OF_MEMORY, answer(500, '{"detail":"failed to process the image: out of memory"}')),
        (K.BAD_PARAMETER, answer(400, '{"error":{"message":"unsupported image_url detail"}}')),
        (K.BAD_PARAMETER, answer(400, '{"error":{"message":"max_tokens too large for this model"}}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"detail":{"message":"Your plan\'s token allotment has been used up."}}')),
        (K.MODEL_NOT_FOUND, answer(400, '{"errors":{"message":"Model id : a/b , has no provider supported"}}')),
        (K.IMAGE_UNSUPPORTED_BY_MODEL, answer(400, '{"message":"Unsupported content part for text-only server: image_url"}')),
        (K.TIMEOUT, answer(522, '{"title":"Error 522: Connection timed out","detail":"This may indicate that the origin is overloaded."}')),
    ],
)  # fmt: skip
def test_wordings_that_another_rule_would_take(kind: FailureKind, case: UpstreamAnswer) -> None:
    assert classify(case).kind is kind


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        (K.AUTH, answer(401, '{"error":{"code":"1002","message":"Authorization Token非法，请确认Authorization Token正确传递。"}}')),
        (K.AUTH, answer(None, "code: 1003, Authorization Token已过期，请重新生成。")),
        (K.AUTH, answer(400, '{"message":"密钥无效"}')),
        (K.AUTH, answer(400, '{"message":"未提供令牌"}')),
        (K.AUTH, answer(200, '{"error_msg":"请求签名校验失败"}')),
        (K.AUTH, answer(403, '{"message":"无权操作，access token 无效"}')),
        (K.BAD_PARAMETER, answer(400, '{"message":"参数错误，token数量非法"}')),
        (K.PERMISSION, answer(429, '{"error":{"message":"Your account has been locked."}}')),
        (K.PERMISSION, answer(403, '{"message":"账号已被冻结"}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"error":{"code":"1308","message":"已达到 5 小时的使用上限。"}}')),
        (K.BAD_PARAMETER, answer(400, '{"message":"Image does not match the provided media type image/png"}')),
        (K.CONTENT_FILTERED, answer(400, "The response is blocked, as it may violate our policies.")),
        (K.CONTENT_FILTERED, answer(200, 'data: {"data":{"error":{"detail":"The text may contain inappropriate content."}}}')),
        (K.PROTOCOL, answer(None, "invalid character 'p' after top-level value")),
        (K.PAYLOAD_TOO_LARGE, answer(400, "The total referenced files bytes are too large to be read")),
        (K.BAD_GATEWAY, answer(503, '{"error":{"message":"All connection attempts failed","type":"ServiceUnavailable"}}')),
        (K.QUOTA_EXHAUSTED, answer(429, '{"detail":"Quota exceeded and account balance is $0.0"}')),
        (K.QUOTA_EXHAUSTED, answer(429, "status: Throttling.AllocationQuota, message: Free allocated quota exceeded.")),
        (K.QUOTA_EXHAUSTED, answer(403, "chat pre-consumed quota failed, user quota: 5, need quota: 9")),
        (K.RATE_LIMITED, answer(429, "Your concurrency is 4, which exceeds your concurrency limit of 3. Top up your balance for more.")),
        (K.OVERLOADED, answer(200, '{"header":{"code":10008,"message":"服务容量不足","sid":"a"}}')),
        (K.IMAGE_INVALID, answer(400, '{"message":"The format of the input image is not supported."}')),
        (K.BAD_PARAMETER, answer(400, '{"message":"图片下载超时"}')),
        (K.CONTEXT_TOO_LONG, answer(400, '{"message":"Input too long"}')),
        (K.QUOTA_EXHAUSTED, answer(200, 'data: {"error_code":17,"error_msg":"daily limit reached"}')),
    ],
)  # fmt: skip
def test_wordings_of_vendors_that_number_their_errors(kind: FailureKind, case: UpstreamAnswer) -> None:
    assert classify(case).kind is kind
