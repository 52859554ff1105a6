"""What the caller sent: refused by a filter, an image that cannot be used, or too much of it."""

from __future__ import annotations

from typing import Final

from ironleaf.services.engines.upstream_failures.base import FailureKind
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

_IMAGE = r"(?:image|picture|photo|visual|vision|multi-?modal|图片|图像)"

FILTER_RULES: Final = (
    Rule(
        name="content-filter",
        outcome=outcome_of(FailureKind.CONTENT_FILTERED),
        words=words(
            r"content[ _-]?(?:management|safety|filter(?:ing|ed)?|policy|moderation|security|audit)[ _a-z-]{0,20}",
            r"responsibleaipolicyviolation|data_?inspection_?failed|sensitivecontent|contentrisk",
            r"prohibited_content|riskdetection",
            r"inappropriate (?:content|text|image)",
            r"(?:contains?|contain|potentially) (?:sensitive|unsafe|harmful|illegal|prohibited)",
            r"(?:input|output|content|prompt|request|text|image)s?[ a-z]{0,24}(?:flagged"
            r"|new_sensitive|is sensitive|deemed (?:unsafe|unsuitable|inappropriate))",
            r"safety (?:system|filter|policy|policies|reasons?|settings?|guidelines?|checks?)",
            r"flagged (?:as|for|by)|usage (?:policy|policies|guidelines)",
            r"(?<![a-z-])sensitive (?:content|words?|text|(?:chat )?messages?|images?)\b",
            r"content exists risk|considered high risk|high[- ]risk content",
            r"violat(?:es?|ing|ion of|ed)[ a-z']{0,40}(?:policy|policies|guidelines|terms|content)",
            r"(?:blocked|rejected|refused|filtered)[ a-z]{0,40}(?:safety|moderation|guardrails?"
            r"|sensitive|policy|jailbreak)",
            r"guardrails? (?:intervened|violation|blocked|triggered)|blockreason|block_reason|moderation",
            r"敏感|不安全内容|违规|违法|不合规|内容安全|安全审核|审核(?:未|不)通过|涉(?:政|黄|暴)|不当内容|风险(?:内容|较高)",
        ),
        codes=frozenset(
            {
                "content_filter",
                "content_policy_violation",
                "responsibleaipolicyviolation",
                "data_inspection_failed",
                "datainspectionfailed",
                "invalid_prompt",
                "content_blocked",
                "moderation_blocked",
                "safety",
                "prohibited_content",
                "recitation",
                "sensitivecontentdetected",
                "inputtextsensitivecontentdetected",
                "inputimagesensitivecontentdetected",
                "content_policy",
                "outputtextsensitivecontentdetected",
                "contentfilter",
                "refusal",
                "sensitive_words_detected",
                "guardrail_intervened",
            }
        ),
        unless=words(
            r"account[ a-z]{0,20}(?:suspended|banned|disabled)",
            r"data policy",
            r"content filter(?:ing)? (?:is )?(?:not supported|unsupported)",
            r"matching your (?:guardrail|data)",
        ),
    ),
)

IMAGE_RULES: Final = (
    Rule(
        name="image-count-limit",
        outcome=outcome_of(FailureKind.BAD_PARAMETER),
        words=words(
            r"at most [1-9]\d{0,4} (?:image|multi)",
            r"too many images",
            r"(?:number|count) of images?[ a-z]{0,30}(?:exceed|limit|must|too|than)",
            r"(?:max(?:imum)?|only|up to|more than)[ a-z]{0,24}\d{1,4} (?:images?|photos?)[ a-z]{0,24}"
            r"(?:per|in|allowed|are supported)",
            r"图片数量|最多.{0,6}张",
        ),
    ),
    Rule(
        name="image-link-not-fetched",
        outcome=outcome_of(FailureKind.BAD_PARAMETER),
        words=words(
            r"(?:download|fetch|retriev|access|load)(?:ing|e)?[ a-z]{0,30}(?:multimodal"
            r"|image|file|media|url|content|resource)[ a-z]{0,20}(?:fail|error|timed? ?out"
            r"|from (?:url|the))",
            r"(?:failed|unable|cannot|can't|could not|couldn't|timeout)[ a-z]{0,24} "
            r"(?:to )?(?:while )?(?:download|fetch|retriev)(?:e|ing)? [a-z' ]{0,40}(?:multimodal"
            r"|image|file|media|url|content|resource)",
            r"(?:error|timeout) while downloading",
            r"multimodal url",
            r"invalid[ _]image[ _]url",
            r"allowed-local-media-path",
            r"url[ a-z]{0,30}(?:could not be|cannot be|not) (?:accessed|reach|fetch|download)",
            r"(?<![a-z_])(?:url|links?)[ a-z_']{0,24}(?:not supported|unsupported|must be "
            r"(?:a )?(?:base64|data|http|an? http))",
            r"field must be a base64 encoded image",
            r"only base64[ a-z-]{0,30}supported",
            r"only accepts? (?:base64|data)",
            r"image[ _]url[ a-z]{0,20}(?:is )?(?:invalid|empty|missing|required)",
            r"(?:下载|获取|拉取|访问)[^。，]{0,8}(?:图片|图像|文件|链接)[^。，]{0,8}(?:失败|超时|错误)",
            r"(?:图片|图像|文件|链接)[^。，]{0,8}(?:下载|获取|拉取|访问)(?:失败|超时|错误)|无法(?:下载|访问|获取)[^。，]{0,6}(?:图片|图像|链接)",
        ),
        codes=frozenset({"invalid_image_url", "image_url_error", "failed_to_download_image"}),
    ),
    Rule(
        name="image-input-unsupported",
        outcome=outcome_of(FailureKind.IMAGE_UNSUPPORTED_BY_MODEL),
        words=words(
            rf"(?:does not|doesn't|do not|don't|cannot|can't|isn't|is not|are not|no longer)[ a-z']{{0,30}}"
            rf"(?:support|accept|take|handle|have|capable of|configured for|enabled for)[a-z]{{0,4}}"
            rf"[ a-z/'\"_-]{{0,24}}{_IMAGE}[a-z]{{0,3}}(?![ a-z/_-]{{0,16}}(?:format|type"
            rf"|size|mime|url|resolution|edit|generat|output|dimension|file))",
            rf"{_IMAGE}[ _a-z-]{{0,24}}(?:input|content|modality|part|understanding|capabilit"
            rf"|support|url)?[a-z]{{0,4}}['\"]? ?(?:is|are|isn't|aren't)?(?: currently"
            rf"| yet)? ?(?:not|un|never|only)[ -]?"
            r"(?:supported|enabled|available|allowed|accepted|configured|support)[ a-z]{0,16}"
            r"(?:by|for|with|in|on)? ?(?:this|the|certain|some|your|by|selected|models"
            r"|\.|$|-|,|\"|'|\})",
            r"(?:model|engine|endpoint|deployment)[ a-z']{0,24}(?:cannot|can't|is (?:not able|unable) to) "
            r"(?:process|read|see|view|understand|interpret)[ a-z]{0,12}images\b",
            r"no endpoints found that support image input",
            r"not a (?:vlm|multi-?modal|vision)",
            r"(?:is|are) (?:a )?text[- ]only",
            r"text-only (?:prompts?|model|server|endpoint|deployment|engine)",
            r"mmproj",
            r"missing data required for image input",
            r"unknown variant '?(?:image|image_url|input_image)'?",
            r"at most 0 (?:image|multi)",
            r"(?:un(?:supported|known|expected|recognized)|invalid)[ a-z_]{0,24}(?:content"
            r"|part|type|block)[ a-z_]{0,16}[: (]{0,3}['\"]?image_url",
            r"image_url['\"]? (?:is )?(?:not|only) (?:a )?(?:valid|supported|allowed|accepted)",
            r"only (?:supports?|accepts?|takes?) text",
            r"only ['\"]?text['\"]? (?:content|is|parts?|type|messages?|inputs?)",
            r"(?:content|messages?)[ a-z'\"\[\].0-9:]{0,40}must be (?:a )?string",
            r"invalid type: sequence, expected a string",
            r"input should be a valid string.{0,400}image_url",
            r"support(?:s|ing)? (?:the )?(?:requested )?(?:input )?modalit(?:y|ies)[: a-z,]{0,20}image",
            r"no (?:image|vision)[ a-z]{0,10}(?:processor|encoder|tower|adapter|projector)",
            rf"{_IMAGE}[ a-z-]{{0,16}}(?:processor|encoder|tower|adapter|projector|add-?on|module)[ a-z]{{0,12}}"
            r"(?:not (?:loaded|available|found|installed|enabled)|missing|disabled)",
            r"input modalit(?:y|ies)",
            r"(?:不支持|暂不支持|无法处理|未支持)[^。]{0,10}(?:图|视觉|多模态)|(?:图片|图像|多模态)[^。]{0,8}不支持",
        ),
        codes=frozenset({"image_not_supported", "unsupported_image_input", "vision_not_supported"}),
        unless=words(
            r"output modalit",
            r"unsupported image (?:format|type|mime)",
            r"image (?:format|type)[ a-z]{0,12}(?:is )?(?:not|un)",
            r"format of (?:the )?(?:input )?image",
            r"image file format",
        ),
    ),
    Rule(
        name="image-too-large",
        outcome=outcome_of(FailureKind.IMAGE_TOO_LARGE),
        words=words(
            r"(?<![a-z-])(?:image|picture|photo)[a-z]{0,2}(?: file| data| input| size"
            r"| dimensions?| pixels?| resolution| area| width| height| side)*[ a-z0-9()\[\]:.,'_-]{0,40}"
            r"(?:exceed|too large|too big|larger than|over the|greater than|above the"
            r"|is over)",
            rf"(?:exceed(?:s|ed)?|over|beyond|larger than)[ a-z]{{0,24}}(?:max(?:imum)?"
            rf"|limit|allowed)[ a-z]{{0,24}}(?:{_IMAGE}|data-uri|pixels)",
            rf"(?:max(?:imum)?|limit)[ a-z]{{0,16}} (?:{_IMAGE}) (?:file )?(?:size|dimension"
            rf"|pixel|resolution)[^.]{{0,40}}(?:exceed|is|:)",
            r"bytes per data-uri item",
            r"multimodal file size is too large",
            r"decompression ?bomb",
            r"pixels[^.]{0,60}exceeds? (?:the )?(?:limit|max)",
            r"exceeds limit of \d+ pixels",
            r"(?:size|resolution|dimensions?|width|height)[ a-z]{0,16}(?:exceed|larger|greater|over|beyond)[ a-z]{0,20}"
            r"\d{2,5} ?[x*] ?\d{2,5}",
            r"(?:图片|图像)(?:文件)?(?:大小|尺寸|过大|太大|像素)[^。]{0,16}(?:超|过大|大于|不能)?",
        ),
        codes=frozenset({"image_too_large", "invalid_image_size", "image_size_exceeded", "image_dimensions_too_large"}),
        unless=words(
            r"aspect ratio",
            r"must be larger than",
            r"image tokens",
            r"too small",
            r"tokens? of image|message tokens",
            r"context (?:length|window|size)",
        ),
    ),
    Rule(
        name="image-shape-or-format-refused",
        outcome=outcome_of(FailureKind.IMAGE_INVALID, fallback=True),
        words=words(
            r"format of (?:the )?(?:input |uploaded )?(?:image|picture|media|file)[ a-z]{0,24}(?:not|un|invalid)",
            r"media format[ a-z]{0,24}(?:not|un|invalid|incorrect)|unsupported_?image_?format",
            r"unsupported[ a-z_]{0,12} image(?!_url)|unsupported (?:image|media|mime|file)[ _]?(?:format|type)",
            r"image[ a-z_]{0,16}(?:format|type|mime)[ a-z_]{0,24}(?:not|un|invalid|illegal|must|should)",
            r"(?:image )?mime ?type[^.]{0,60}(?:not supported|unsupported|invalid|not allowed)",
            r"one (?:of|has) the following formats",
            r"media_type: input should be",
            r"aspect ratio(?! (?:is not enabled|param|option|setting))",
            r"(?:height|width)[: a-z0-9]{0,30}(?:or|and) (?:width|height)[: a-z0-9]{0,20}must be "
            r"(?:larger|greater|at least)",
            r"length and width do not meet|do(?:es)? not meet the model restrictions",
            r"image[ a-z]{0,30}(?:too small|smaller than|below the minimum|at least \d)",
            r"(?:too small|minimum)[ a-z]{0,16}(?:image|pixels)",
            r"animated (?:gif|image)s?",
            r"图片格式|图片(?:类型|宽高|尺寸过小|过小)|不支持(?:的|该)图片",
            r"failed to apply [a-z0-9_]{1,60}processor",
        ),
        codes=frozenset(
            {
                "invalid_image_format",
                "unsupported_image_format",
                "unsupported_image_media_type",
                "unsupported_media_type",
                "invalid_image_dimensions",
            }
        ),
        unless=words(
            r"application/json", r"illegal and cannot be opened", r"max_model_len|model length|context length"
        ),
    ),
    Rule(
        name="image-cannot-be-decoded",
        outcome=outcome_of(FailureKind.IMAGE_INVALID),
        words=words(
            rf"(?:invalid|corrupt(?:ed)?|damaged|broken|malformed|truncated|bad|unreadable"
            rf"|empty|undecodable|illegal) (?:base64[ -]?(?:encoded )?)?(?:media |input )?{_IMAGE}",
            rf"{_IMAGE}[ a-z_'\"]{{0,40}}(?:is |are |was |were )?(?:not (?:a )?valid|invalid"
            rf"|corrupt|damaged|truncated|malformed|unreadable|illegal|not an image|cannot be "
            rf"(?:opened|decoded|read|processed|parsed|identified))",
            rf"(?:could not|couldn't|cannot|can't|unable to|failed to|fail to|error|unable)[ a-z]{{0,12}}"
            r"(?:process|decod|load|pars|read|open|identif|recogniz|interpret|understand)[a-z]{0,3} [a-z' ]{0,24}"
            rf"{_IMAGE}",
            r"does not represent a valid image",
            r"cannot identify image",
            r"unidentifiedimageerror",
            r"image: unknown format",
            r"non-base64 digit|(?:invalid|illegal|incorrect) base64",
            r"base64[ a-z-]{0,20}(?:invalid|illegal|decod[a-z]{1,4} (?:error|fail)|error|malformed)",
            r"(?:error|fail(?:ed|ure)?)[ a-z]{0,16}(?:decod|process)(?:e|ing) (?:the )?(?:base64|image)",
            r"invalid media data|invalid data ur[il]|incorrect padding|image bytes",
            r"(?:图片|图像)[^。]{0,16}(?:解析|错误|损坏|无效|异常|失败)|无效(?:的)?图片",
        ),
        codes=frozenset(
            {
                "invalid_image",
                "image_parse_error",
                "invalid_base64_image",
                "image_content_error",
                "invalid_base64",
                "image_decode_error",
            }
        ),
        unless=words(r"out of (?:gpu |video )?memory|cuda error|crashed"),
    ),
)

CONTEXT_RULES: Final = (
    Rule(
        name="context-window",
        outcome=outcome_of(FailureKind.CONTEXT_TOO_LONG),
        words=words(
            r"(?:max(?:imum)?|model's|available|supported|allowed|the|endpoint's) (?:total )?"
            r"(?:model )?context[ _-](?:length|window|size|limit)[ a-z,']{0,30}",
            r"context[ _-](?:length|window|size|limit|overflow)[ a-z_]{0,24}(?:exceed"
            r"|is|was|of|too|overflow|reached|full|limit|error)",
            r"exceeds?[ a-z_']{0,40}context",
            r"context the overflows|context overflow",
            r"(?:prompt|input|inputs|request|messages?|text|query|conversation)(?: length"
            r"| tokens?| token count)?(?: \([^)]{0,60}\))?(?: is| are|:)? too (?:long"
            r"|large)(?: for|:|\.| of| to|$|,)",
            r"(?:prompt|input|inputs|messages?|text|query|conversation)(?: length| tokens?| token count)? too long\b",
            r"too (?:long|large) for (?:the |requested )?(?:model|context)",
            r"(?:input|prompt|inputs)[ a-z_]{0,24}(?:token count|tokens?|length)[^.]{0,60}"
            r"(?:exceed|longer than|greater than|must (?:be|have) (?:less|<=|at most)"
            r"|larger than)",
            r"'?inputs'? (?:tokens )?\+ 'max_new_tokens'|'inputs' must have less than",
            r"exceed(?:s|ed)?[ a-z]{0,20}(?:model )?(?:token|max[_ ]seq|max[_ ]model"
            r"|session)[ _a-z]{0,16}(?:limit|len|length|number)",
            r"(?:exceed|greater than|longer than|larger than|over|less than|beyond)[a-z]{0,3}[^.]{0,60}"
            r"(?:max_model_len|max_seq_len|session_len|n_ctx|max_total_tokens|max_input"
            r"|model_max_length|context)",
            r"(?:max_model_len|max_seq_len|session_len|max_input_tokens|max_position_embeddings)[^.]{0,60}exceed",
            r"range of input length should be",
            r"total tokens of image and text exceed",
            r"exceed max message tokens",
            r"string too long|string_above_max_length",
            r"prompt exceeds|prompt (?:超长|过长)|输入.{0,8}(?:过长|超长|超出|超过)|上下文.{0,8}(?:超|长度)",
            r"(?:tokens?|长度)(?:数)?(?:超过|超出|超限)|超过.{0,8}(?:最大)?长度",
            r"max_tokens must be at least 1, got -|maxlength: \d+, actual|(?:length|tokens?)(?: limit)? exceeded",
            r"exceed[a-z]{0,3} (?:the )?(?:model'?s? )?max(?:imum)? (?:model )?length",
            r"reduce (?:the length|your prompt|the number of tokens|the input|the prompt|input length)",
            r"exceeded model token limit",
            r"input is too long|too many (?:input |total )?tokens",
            r"number of tokens to keep from the initial prompt",
            r"longer than the (?:maximum )?(?:model|context)",
            r"larger than (?:the )?(?:maximum )?(?:context|model)",
            r"token limit exceeded",
            r"exceed(?:s|ed)? (?:the )?(?:max(?:imum)? )?(?:number of )?tokens? ?(?:allowed|limit)?",
        ),
        codes=frozenset(
            {
                "context_length_exceeded",
                "exceed_context_size_error",
                "contextwindowexceedederror",
                "context_window_exceeded",
                "input_length_error",
                "prompt_too_long",
                "string_above_max_length",
                "context_limit_exceeded",
                "input_too_long",
                "context_length_error",
            }
        ),
        unless=words(
            r"maximum allowed number of output tokens",
            r"rate[ _-]?limit",
            r"please wait before",
            r"tokens? per[ _-]?min",
            r"length limit exceeded$",
            r"range of max_tokens",
            r"max_(?:completion_)?tokens[^.]{0,20}(?:is )?too large[^.]{0,40}supports at most",
            r"(?:request|message)? ?(?:body|entity|payload) (?:is )?too large",
            r"max_tokens=\d+ cannot be greater",
            r"max_(?:completion_|new_)?tokens[^.]{0,20}too (?:large|high|big) for (?:the |this )?model",
        ),
    ),
    Rule(
        name="payload-too-large",
        outcome=outcome_of(FailureKind.PAYLOAD_TOO_LARGE),
        words=words(
            r"(?:request )?(?:entity|payload|body|content)(?: is)?[ _]too[ _]large",
            r"request_too_large|payloadtoolarge|entitytoolarge|requestbodytoolarge",
            r"(?:payload|body|request)(?: payload| body)? size[^.]{0,40}(?:exceed|limit|large|over)",
            r"(?:exceed(?:s|ed)?|over)[^.]{0,40}(?:max(?:imum)? )?(?:request|body|payload"
            r"|upload|message)[ _](?:body |payload )?(?:size|limit|length)",
            r"bytes to request body|bytes are too large",
            r"request exceeds the maximum (?:allowed )?(?:size|number of bytes)",
            r"length limit exceeded",
            r"body exceeded|exceeded maximum (?:size|body)|maximum request body|max body size",
            r"received message larger than max",
            r"请求体(?:过大|超)",
        ),
        codes=frozenset({"request_too_large", "payload_too_large", "fst_err_ctp_body_too_large", "entity.too.large"}),
    ),
    Rule(
        name="payload-too-large-status",
        outcome=outcome_of(FailureKind.PAYLOAD_TOO_LARGE),
        statuses=frozenset({413}),
    ),
)
