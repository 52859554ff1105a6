"""Answers recorded from real servers (Xinference 4.1, vLLM 0.32, transformers serve 5.17) and a gateway before one."""

# ruff: noqa: E501 (a table reads best with one case a line)

from __future__ import annotations

import pytest

from ironleaf.services.engines.upstream_failures import FailureKind, UpstreamAnswer, classify

K = FailureKind
AT = "[address=127.0.0.1:30965, pid=6540] "


@pytest.mark.parametrize(
    ("status", "body", "kind", "retry"),
    [
        (404, f"{{\"detail\":\"{AT}Model not found in the model list, uid: no-such-model. Available model uids: ['qwen2-vl-instruct']\"}}", K.MODEL_NOT_FOUND, False),
        (404, '{"detail":"Model not found in the model list, uid: qwen2-vl-instruct (cached, retry after 10.0s)"}', K.MODEL_NOT_FOUND, False),
        (400, f'{{"detail":"{AT}Model not found, uid: qwen2-vl-instruct-0"}}', K.MODEL_NOT_FOUND, False),
        (404, '{"error":{"message":"The model `no-such-model` does not exist. Valid aliases: qwen2-vl-instruct.","type":"NotFoundError","param":"model","code":404}}', K.MODEL_NOT_FOUND, False),
        (400, "{\"detail\":\"Server is pinned to './tiny-qwen2vl'; requested 'no-such-model'.\"}", K.MODEL_NOT_FOUND, False),
        (401, '{"detail":"Could not validate credentials"}', K.AUTH, False),
        (400, '{"detail":"Invalid media data URI."}', K.IMAGE_INVALID, False),
        (400, '{"error":{"message":"Non-base64 digit found","type":"BadRequestError","param":null,"code":400}}', K.IMAGE_INVALID, False),
        (400, '{"error":{"message":"Failed to load image: cannot identify image file <_io.BytesIO object>","type":"BadRequestError","param":null,"code":400}}', K.IMAGE_INVALID, False),
        (400, '{"error":{"message":"Failed to load image: image file is truncated","type":"BadRequestError","param":null,"code":400}}', K.IMAGE_INVALID, False),
        (400, "{\"error\":{\"message\":\"Failed to apply Qwen2VLProcessor on data={'images': [<PIL.Image.Image image mode=RGB size=2000x1>]} with kwargs={...}\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}", K.IMAGE_INVALID, False),
        (500, '{"detail":"The chat completion request failed. Check the server logs for details."}', K.INTERNAL_ERROR, True),
        (500, '{"error":{"message":"Cannot load local files without `--allowed-local-media-path`.","type":"InternalServerError","param":null,"code":500}}', K.BAD_PARAMETER, False),
        (400, '{"error":{"message":"This model\'s maximum context length is 2048 tokens. However, your prompt contains 100050 characters (more than 73728 characters, which is the upper bound for 2048 input tokens). Please reduce the length of the input prompt. (parameter=input_text, value=100050)","type":"BadRequestError","param":"input_text","code":400}}', K.CONTEXT_TOO_LONG, False),
        (400, '{"error":{"message":"max_tokens=10000000 cannot be greater than max_model_len=2048. Please request fewer output tokens. (parameter=max_tokens, value=10000000)","type":"BadRequestError","param":"max_tokens","code":400}}', K.BAD_PARAMETER, False),
        (500, "Internal Server Error: 1 validation error for CreateChatCompletion\nmodel\n  field required (type=value_error.missing)", K.BAD_PARAMETER, False),
        (400, '{"error":{"message":"Unsupported chat content part type: \'image\'. Supported types: audio_url, image_embeds, image_url, ... (parameter=type, value=image)","type":"BadRequestError","param":"type","code":400}}', K.BAD_PARAMETER, False),
        (422, "{\"detail\":\"Unexpected fields in the request: {'foo'}\"}", K.BAD_PARAMETER, False),
        (500, "Internal Server Error: Remote server 127.0.0.1:38179 closed: Server may be closed", K.ENGINE_CRASHED, True),
        (500, f'{{"detail":"{AT}Model qwen2-vl-instruct-rep0 is in stopping state"}}', K.ENGINE_CRASHED, True),
        (500, '{"error":{"message":"EngineCore encountered an issue. See stack trace (above) for the root cause.","type":"InternalServerError","param":null,"code":500}}', K.ENGINE_CRASHED, False),
        (200, 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\ndata: {"error":{"message":"EngineCore encountered an issue.","type":"InternalServerError","code":500}}\n\ndata: [DONE]\n\n', K.ENGINE_CRASHED, False),
        (200, 'data: {"error": "The chat completion request failed. Check the server logs for details."}\n\n', K.INTERNAL_ERROR, True),
        (400, f"{{\"error\":{{\"message\":\"litellm.BadRequestError: OpenAIException - Error code: 400 - {{'detail': '{AT}Model not found, uid: qwen2-vl-instruct-0'}}\\n\\nLiteLLM: model group 'qwen2-vl-instruct' failed with the error above. No fallback was attempted.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"400\"}}}}", K.MODEL_NOT_FOUND, False),
    ],
)  # fmt: skip
def test_a_recorded_answer_is_understood(status: int, body: str, kind: FailureKind, retry: bool) -> None:
    verdict = classify(UpstreamAnswer(http_status=status, body=body))
    assert (verdict.kind, verdict.retry_same_backend) == (kind, retry)
