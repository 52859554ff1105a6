"""Who we are to the server, which model we asked for, and how the request was built: the operator's side."""

from __future__ import annotations

from typing import Final

from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

_CREDENTIAL = (
    r"(?:api[ _-]?key|apikey|(?<![a-z_])tokens?(?! ?(?:数|个|长|count|limit|length))|access ?key|secret|"
    r"令牌|密钥|秘钥|凭证|凭据|签名|鉴权|认证|身份)"
)
_NO_GOOD = (
    r"(?:非法|无效|错误|有误|失效|过期|到期|不存在|不正确|不匹配|不合法|未提供|未传|未携带|缺失|缺少|为空|禁用|吊销|"
    r"失败|不可用|未通过|校验不)"
)
_MODEL = r"(?:model|deployment|endpoint|engine|checkpoint|adapter|模型)"

ACCESS_RULES: Final = (
    Rule(
        name="region-refused",
        outcome=outcome_of(FailureKind.PERMISSION),
        words=words(
            r"(?:country|countries|region|territor(?:y|ies)|location)[ a-z,/]{0,40}(?:is "
            r"|are )?(?:not|un)[ -]?(?:supported|available|allowed)",
            r"unsupported (?:countr|region|location|territor)",
            r"unsupported_country",
            r"not available in your (?:country|region)|地区.{0,8}(?:不支持|不可用|限制)",
        ),
        codes=frozenset({"unsupported_country_region_territory", "geo_blocked", "region_not_supported"}),
        unless=words(r"on-demand throughput"),
    ),
    Rule(
        name="credentials-refused",
        outcome=outcome_of(FailureKind.AUTH),
        words=words(
            r"(?:invalid|incorrect|wrong|missing|expired|malformed|no|bad|unknown|illegal"
            r"|revoked|unable to|leaked|empty|disabled)[ a-z_'\"-]{0,24}(?:api[ _-]?key"
            r"|x-api-key|auth|token\b(?! (?:count|limit))|credential|access key|secret key"
            r"|subscription key|bearer|apikey)(?![ a-z]{0,12}tokens)",
            r"(?:api[ _-]?key|apikey|credentials?|access[ _]token|bearer token|auth(?:entication"
            r"|orization)?(?: header| token)?|security token|secret key|signature)[ a-z_,'\":*.0-9-]{0,60}"
            r"(?:is |are |was |has |were )?(?:not (?:valid|found|provided|set|exist|recogni[sz]ed)"
            r"|invalid|incorrect|missing|expired|revoked|disabled|required|leaked|fail"
            r"|not be (?:resolved|validated|verified)|doesn't exist|does not exist|mismatch"
            r"|wrong)",
            r"(?:didn't|did not|must|please) (?:provide|pass|supply|carry|specify|include)[ a-z]{0,20}"
            r"(?:api[ -]?key|api secret|credential|auth|token)",
            r"could not (?:validate|resolve)[ a-z]{0,12}(?:credentials?|auth)",
            r"authentication (?:fail|error|required|parameter)|authenticationerror|\bunauthenticated\b",
            r"unauthori[sz]ed|not authenticated|failed to authenticate",
            r"invalid (?:auth|authentication|username|token|proxy server token)|login fail|please (?:log|sign) ?in",
            r"user not found|no cookie auth",
            r"(?:account|user)[ a-z]{0,40}(?:has been |been |is |was )?deactivated",
            r"unable to locate credentials|could not find[ a-z]{0,12}credentials|certification failed|invalid_grant",
            rf"{_CREDENTIAL}[^。，,;；:{{}}]{{0,16}}{_NO_GOOD}",
            rf"(?:无效|非法|错误|过期|失效|缺少|未提供|未传|不合法)的? ?{_CREDENTIAL}",
            r"身份验证|鉴权|未授权|授权(?:失败|无效|过期)|请先登录|未登录",
        ),
        codes=frozenset(
            {
                "invalid_api_key",
                "authentication_error",
                "api_key_invalid",
                "invalidapikey",
                "unauthenticated",
                "unauthorized",
                "invalid_authentication_error",
                "authenticationerror",
                "account_deactivated",
                "unrecognizedclientexception",
                "expiredtokenexception",
                "invalidsignatureexception",
                "incompletesignature",
                "authfailure",
                "authfailure.signaturefailure",
                "authfailure.secretidnotfound",
                "api_key_missing",
                "token_not_found_in_db",
                "expired_key",
                "auth_error",
                "invalid_token",
                "invalid_auth",
                "token_expired",
                "access_token_expired",
                "missing_api_key",
                "api_key_expired",
            }
        ),
        exceptions=words(r"authenticationerror|nocredentialserror|defaultcredentialserror|unauthorized"),
        unless=words(
            r"not authori[sz]ed to",
            r"not allowed to",
            r"does not have access",
            r"image (?:file|data)",
            r"permission",
            r"start(?:ing)? token",
            r"max_tokens",
            r"invalid token (?:id|index)",
            r"unexpected token",
            r"appidnoauth",
        ),
    ),
    Rule(
        # Whether the model exists or not: with this status it is a matter of access.
        name="access-to-model-refused",
        outcome=outcome_of(FailureKind.PERMISSION),
        words=words(r"(?:not|n't) (?:have |be )?(?:authori[sz]ed|access|allowed|permitted)"),
        statuses=frozenset({403}),
    ),
    Rule(
        name="access-refused",
        outcome=outcome_of(FailureKind.PERMISSION),
        words=words(
            r"\bno permissions? (?:to|for|on)\b|appidnoauth",
            r"permission[ _]?denied|permission_error|insufficient[ _]permissions?",
            r"access(?: to [a-z]{1,20})?(?: is| was)?[ _]?denied|accessdenied|not authori[sz]ed to",
            r"(?<!_)\bforbidden\b|operation not allowed",
            r"(?:does not|do not|don't|doesn't|not) have (?:the )?(?:access|permission"
            r"|authorization|required|sufficient)(?! it\.? *$)[ a-z]{0,20}",
            r"(?:not|no longer|isn't|is not) (?:allowed|permitted|eligible|entitled|authori[sz]ed"
            r"|available)[ a-z]{0,20} (?:to (?:access|use|sample|call|invoke|perform)"
            r"|for your (?:account|org|project))",
            r"(?:organization|project|account|key|team|user|workspace)[ a-z'_-]{0,40}"
            r"(?:disabled|suspended|banned|b?locked\b|restricted|not allowed|not permitted"
            r"|must be verified|terminated|frozen)",
            r"not[ _]allowed[ a-z]{0,8} (?:to )?(?:access|call)[ a-z]{0,8}model|key_model_access_denied",
            r"team_model_access_denied|access_denied",
            r"must be verified|verify organization",
            r"gated (?:repo|model)|is restricted\. you must",
            r"access to (?:this )?model[ a-z'./-]{0,60}(?:is restricted|denied|not)",
            r"has not been used in project|it is disabled|service_disabled|not activated|has not activated",
            r"modelnotopen",
            r"ip (?:address )?[ a-z0-9.:]{0,40}(?:not (?:in|allowed|authori)|blocked|rejected)|allowlist|whitelist",
            r"not whitelisted|ip_not_authorized",
            r"sorry, you have been blocked|just a moment\.\.\.|attention required",
            r"error 10(?:06|07|08|09|10|12|15|20)\b|cloudflare ray id.{0,200}blocked|request blocked",
            r"data policy|guardrail restrictions and data policy",
            r"无权(?:限|访问|使用)?|没有权限|权限不足|未开通|被?(?:封禁|封号|冻结|锁定)|被(?:禁用|限制)|禁止访问|白名单|实名认证|无权访问",
        ),
        codes=frozenset(
            {
                "permission_denied",
                "permission_error",
                "accessdeniedexception",
                "access_denied",
                "accessdenied",
                "model.accessdenied",
                "model_access_denied",
                "service_disabled",
                "modelnotopen",
                "invalid_organization",
                "forbidden",
                "key_model_access_denied",
                "team_model_access_denied",
                "unauthorizedoperation",
                "authfailure.unauthorizedoperation",
                "organization_restricted",
                "permission_denied_error",
                "user_blocked",
                "operationdenied",
                "access_terminated_error",
            }
        ),
        exceptions=words(r"permissiondeniederror|accessdenied"),
        unless=words(r"does not exist|not found or|not found the model|no such file|nosuchmodel", r"dangling"),
    ),
)

MODEL_RULES: Final = (
    Rule(
        name="model-served-replica-vanished",
        outcome=outcome_of(FailureKind.MODEL_NOT_FOUND, caused_by=CausedBy.UPSTREAM),
        # A uid that ends in a replica's number: the model is served, the replica is gone.
        words=words(
            r"model not found,? (?:in the model list, )?uid: ?[a-z0-9._-]{0,80}[a-z._][a-z0-9._]{0,30}-"
            r"(?:rep)?\d{1,3}(?=$|[^a-z0-9-])(?<!-\d\d\d\d)"
        ),
        unless=words(r"uid: ?[0-9a-f]{8}-[0-9a-f]{4}-"),
    ),
    Rule(
        name="model-not-served",
        outcome=outcome_of(FailureKind.MODEL_NOT_FOUND),
        words=words(
            rf"\b{_MODEL}s?\b(?! name is)['\":]?[^.{{}}]{{0,120}}?(?:does not exist|doesn't exist"
            rf"|not exist|not found|is not found|could not be found|cannot be found|isn't found"
            rf"|is unknown|was not found|not available|is unavailable|not served|not currently served"
            rf"|not deployed|been (?:deprecated|decommissioned|removed|retired|disabled"
            rf"|shut ?down)|is deprecated|no longer (?:available|supported|exists)|not registered"
            rf"|not installed|unavailable|end of its life|not running|not supported by any)",
            r"model[^{}]{0,140}(?:does not exist|not found|decommissioned|not currently loaded|is not loaded)",
            r"(?:unknown|invalid|no such|unrecogni[sz]ed|unsupported|cannot find|could not find"
            r"|couldn't find|not found|can't find|not find|missing|unexpected)(?: the"
            r"| a| any| requested)? (?:model|deployment|inference endpoint)\b(?! type"
            r"|_type|: got| output| response| parameter| architecture| class)",
            r"not a valid model|model identifier is invalid|invalid model(?: name| identifier| id)?\b|nosuchmodel",
            r"model_not_found|modelnotfound|not_found_error.{0,60}model:",
            r"(?:could not|cannot) resolve the foundation model",
            r"no (?:available )?(?:channel|endpoints?|providers?)(?: found| available)? for",
            r"has no providers? (?:that )?support",
            r"request targeted an endpoint that does not exist|deploymentnotfound|server is pinned to",
            r"no models? (?:are |is )?(?:currently )?(?:loaded|available|found)|model (?:is |was )?unloaded",
            r"requested model is not supported|try pulling it first|pull model|inference pool .{0,60}not found",
            r"no endpoints found for|not supported by (?:any )?provider|function '[^']{1,80}': not found",
            r"is not (?:currently )?supported by",
            rf"\b{_MODEL}(?: ['\"`]?[a-z0-9./:@_-]{{1,80}}['\"`]?)?(?: is)?(?: currently)? not supported"
            r"(?! (?:with|in|for)\b)",
            r"no model (?:named|with)|does not serve|not available on this server|supported api model names",
            r"模型.{0,30}(?:不存在|未找到|已下线|没有找到|不可用|未部署)|无可用渠道|找不到模型|无效的模型|未知模型",
        ),
        codes=frozenset(
            {
                "model_not_found",
                "deploymentnotfound",
                "modelnotfound",
                "model_not_exist",
                "resource_not_found_error",
                "invalid_model",
                "model_not_supported",
                "model_not_available",
                "invalidendpointormodel.notfound",
                "invalidendpoint.notfound",
                "nosuchmodel",
                "invalid_model_error",
                "model_not_loaded",
                "model_unavailable",
                "get_channel_failed",
                "invalidendpointormodel.modelidaccessdisabled",
                "model_decommissioned",
                "resourcenotfoundexception",
                "model_unloaded",
            }
        ),
        unless=words(
            r"operation does not work with the specified model",
            r"not a chat model",
            r"(?:parallel|concurrent) generation",
            r"(?:stopping|stopped|error) state",
            r"temporarily|暂(?:时|不)",
            r"model (?:is |currently )?(?:still )?loading",
            r"provide a model|model is required|missing (?:required )?(?:parameter|field|argument)",
            r"function (?:call|tool)",
            r"json_schema|response_format|tool_choice|temperature|reasoning",
            r"does not support (?:tools|function|parameter)",
        ),
    ),
)

REQUEST_RULES: Final = (
    Rule(
        name="request-built-wrongly",
        outcome=outcome_of(FailureKind.BAD_PARAMETER),
        words=words(
            r"(?:un(?:supported|known|recogni[sz]ed|expected|necessary)|invalid|illegal"
            r"|missing|bad|extra|duplicate|wrong|deprecated)[ a-z_]{0,20}(?:param(?:eter)?s?"
            r"|argument|field|key(?:word)?s?\b|propert(?:y|ies)|value|request format"
            r"|type for|option|role|name \"|json|input format)",
            r"param(?:eter)?s?[ a-z0-9_'\":.\[\]-]{0,60}(?:invalid|illegal|not supported"
            r"|not allowed|unsupported|missing|required|must|should|out of range|is not"
            r"|are not|incorrect|error|wrong)",
            r"extra (?:inputs|fields) (?:are )?not permitted|field required|validation error|value_error",
            r"json_invalid|extra_forbidden|additional properties",
            r"does not support (?:parameter|the parameter|tools?|function|streaming|system"
            r"|temperature|assistant|this|chat|json|structured|'|\"|response|logprobs"
            r"|thinking)",
            r"in request are illegal|messages? (?:参数|格式)",
            r"must (?:alternate|not be empty|contain|be (?:one of|a (?:number|string"
            r"|list|positive|non-|valid|dict)|in|between|within|at least|less|greater"
            r"|<|>|either|set|an?|>=|'))",
            r"must provide|must be '",
            r"does not match the provided media type|appears to be an? image/",  # the label is ours, not the caller's
            r"(?:max_tokens|max_completion_tokens|temperature|top_p|top_k|logprobs|response_format|tool_choice"
            r"|repetition_penalty|presence_penalty|extra_body|enable_thinking)['\"]?[ :=(,]",
            r"['\"](?:stop|stream|tools|seed|n)['\"]",
            r"(?<!index )out of range|range of [a-z_]{1,40} should be|should be (?:in|between|one of|less|greater)",
            r"expected one of|invalid_value|maximum allowed number of output",
            r"not a chat model|operation does not work with|chat template|chat_template|templateerror|jinja",
            r"invalid url|unknown (?:request )?url|unknown path|unknown route|route not found|no route matched",
            r"no route for|cannot (?:post|get) /|404 page not found|resource not found|method not allowed",
            r"requested url .{0,60}not found|path .{0,80}not found|on-demand throughput",
            r"failed to (?:parse|deserialize|convert|buffer)|could not parse|couldn't parse",
            r"json (?:decode|parse|syntax)|malformed|unsupported media type|only 'application/json'",
            r"invalid_request_payload|unprocessable|please specify|unexpected fields in the request",
            r"is not supported (?:with|in|for|by)|not supported in",
            r"api version (?:is )?not supported|unsupported_api_version|anthropic-version|requires? (?:the )?beta",
            r"参数(?:错误|有误|非法|校验|不合法|无效)|请求(?:参数|格式)|非法参数|缺少参数|不支持该参数|输入不能为空|不能为空",
        ),
        codes=frozenset(
            {
                "unsupported_parameter",
                "unsupported_value",
                "invalid_parameter_error",
                "invalidparameter",
                "invalid_argument",
                "invalid_type",
                "missing_required_parameter",
                "unknown_parameter",
                "invalid_value",
                "validationexception",
                "integer_above_max_value",
                "integer_below_min_value",
                "decimal_above_max_value",
                "operationnotsupported",
                "unknown_url",
                "extra_forbidden",
                "json_invalid",
                "invalid_json",
                "invalid_function_parameters",
                "badrequest.toolargeparameter",
                "missingparameter",
                "invalidparametervalue",
                "tool_use_failed",
                "json_validate_failed",
                "unprocessable_entity",
                "array_above_max_length",
                "invalid_messages",
                "failedprecondition",
                "invalid_parameter",
                "invalid_params",
                "param_error",
                "route_not_found",
                "invalid_url",
            }
        ),
        exceptions=words(r"unprocessableentityerror|unsupportedparamserror|badrequesterror"),
        unless=words(
            r"cuda|nccl",
            r"internal server error: (?!\d+ validation|expecting value)",
            r"provider returned error\"?[^.]{0,40}$",
            r"response is not in",
        ),
    ),
)
