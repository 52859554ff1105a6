"""Money, rates and load: the same status 429, 402, 403 or 503, three different meanings.

Order matters: what can never pass, then what is used up, then what refills, then load.
"""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

_PER_MINUTE = r"per[ _-]?min(?:ute)?\b|perminute|\b[tri]pm\b|per[ _-]?second|persecond|\bqps\b"
_PER_DAY = (
    r"per[ _-]?day|perday|byday\b|per 86400|\b[rt]pd\b|per[ _-]?month|per[ _-]?week|\bdaily\b|\bmonthly\b|\bweekly\b|"
    r"today's|calls? today|今日|当日|每日|每天|本月|每月"
)

_PER_HOUR = r"(?:reset|refresh|refill|renew)[a-z]{0,4} (?:hourly|every (?:hour|minute))|per hour\b"

TIER_RULES: Final = (
    Rule(
        name="tier-smaller-than-request",
        outcome=outcome_of(FailureKind.CONTEXT_TOO_LONG, caused_by=CausedBy.OPERATOR, level=Level.L3),
        words=words(
            rf"request too large.{{0,200}}(?:{_PER_MINUTE}|\b[rt]pd\b)",
            r"(?:tokens? per min|\btpm\b).{0,200}(?:must be reduced in order|reduce your message size)",
        ),
    ),
)

QUOTA_RULES: Final = (
    Rule(
        name="quota-limit-zero",
        outcome=outcome_of(FailureKind.QUOTA_EXHAUSTED),
        words=words(r"\blimit: 0\b", r"quotavalue\"?: \"?0\b", r"quota_limit_value\"?: \"?0\b"),
    ),
    Rule(
        name="quota-of-a-day-or-month",
        outcome=outcome_of(FailureKind.QUOTA_EXHAUSTED),
        words=words(
            rf"(?:limit|quota|cap|allowance|allocation|credits?|exceeded|usage|限额|上限|次数).{{0,120}}(?:{_PER_DAY})",
            rf"(?:{_PER_DAY}|userbymodelbyday).{{0,120}}(?:limit|quota|cap\b|allowance"
            rf"|allocation|exceeded|credits?|usage|上限|限额|用完|用尽)",
            r"usage limits?.{0,60}(?:regain|reset|resume|reached|hit|exceeded)",
            r"(?:reached|hit|exceeded).{0,40}(?:usage|spend(?:ing)?|subscription|plan|inference) (?:limit|cap)",
            r"service has been paused",
            r"\d{1,2} ?个?小时.{0,8}(?:上限|限额|额度|用量)|(?:使用|用量)上限",
            r"\b\d{1,2}[ -]hour (?:usage )?(?:limit|quota|window)",
        ),
        # What is refilled every hour is a rate, whatever plan is offered beside it.
        unless=words(r"too many (?:unauthorized|failed)", _PER_HOUR),
    ),
    Rule(
        name="rate-violation-in-a-quota-answer",
        outcome=outcome_of(FailureKind.RATE_LIMITED),
        words=words(
            rf"(?:quota|quotaid|quota exceeded|limit).{{0,400}}(?:{_PER_MINUTE})",
            r"allocated quota exceeded.{0,40}(?:try again|rate)",
        ),
        codes=frozenset({"rate_limit_exceeded", "modelaccounttpmratelimitexceeded"}),
        unless=words(
            r"insufficient[ _](?:user_)?(?:quota|balance)",
            r"balance",
            r"billing hard limit",
            r"\bbudget has been",
            r"余额",
            r"欠费",
            r"负载|过载|繁忙|饱和",
        ),
    ),
    Rule(
        name="quota-money",
        outcome=outcome_of(FailureKind.QUOTA_EXHAUSTED),
        words=words(
            r"(?:insufficient|not[ _]enough|no sufficient|low|negative|depleted|exhausted"
            r"|run out of|ran out of|out of)[ a-z_-]{0,30}"
            r"(?:balance|credits?|funds?\b|quota\b|tokens? package)",
            r"(?:balance|credits?|funds?)[ a-z']{0,40}(?:is|are|has|have|was|too|been|not) ?[a-z ]{0,24}"
            r"(?:insufficient|too low|not enough|negative|exhausted|depleted|used up|overdue|empty|exceeded)",
            r"balance (?:is|of|:) ?[$¥￥＄]? ?(?:-|0(?:\.0+)?(?!\.?\d))",
            r"free allocated quota|pre-?consumed? (?:token )?quota failed",
            r"insufficient[_ ]?(?:user[_ ]?)?quota|insufficient[_ ]balance|insufficient[_ ]funds|insufficientbalance",
            r"quota[ a-z']{0,40}(?:is )?(?:not enough|insufficient|exhausted|used up|depleted|has been exceeded)",
            r"exceeded your (?:current|monthly|assigned|account) (?:quota|limit|usage)",
            r"(?:allotment|allowance|entitlement|(?:monthly|plan|subscription)[ a-z']{0,16}(?:tokens|requests|usage))"
            r"[ a-z']{0,32}(?:used up|exhausted|depleted|consumed|exceeded|spent)",
            r"(?:consumed|used)(?: up)? all[ a-z]{0,24}(?:free|trial|included) (?:requests|calls|tokens)",
            r"(?:wallet|prepaid|trial)[ a-z']{0,24}(?:\bdry|empty|expired|ended|used up)\b|lifetime limit",
            r"(?:no|any|have|has|without|zero|used all)(?: available| remaining)? (?:credits?|funds)\b",
            r"(?:requires?|needs?|need) more credits|can only afford|purchase (?:more )?credits",
            r"add (?:more )?credits|buy (?:more )?credits",
            r"billing (?:hard|soft|limit|details|is not|not active|disabled|account .{0,60}(?:disabled|not))",
            r"billing_(?:hard_limit|not_active)",
            r"enable billing|requires? billing|payment[ _]?required|\bpayment method|unpaid|past due|over[- ]?due",
            r"arrear(?:age|s)?\b",
            r"recharge|top[- ]?up\b|good standing",
            r"(?:crossed|exceeded?|over|exhausted) (?:the |your |its )?(?:max(?:imum)? )?budget"
            r"|budget (?:has been |is |was )?(?:exceeded|reached|exhausted)"
            r"|budget_exceeded|budgetexceeded|exceededbudget|exceeded (?:their|a|an) [a-z ]{0,12}budget",
            r"key limit exceeded|not available (?:for|on|in|under) your (?:current )?(?:plan|tier|subscription)",
            r"spend(?:ing)?[ _](?:limit|cap)|hard limit (?:has been )?reached|credit limit",
            r"free[ -](?:tier|quota|trial|credits?|allocation)[ a-z]{0,40}(?:exhausted"
            r"|expired|used up|ended|has been|exceeded|is over)",
            r"freetieronly|free tier only|trial (?:key|period|has)[ a-z,]{0,40}(?:limited|expired|ended)",
            r"(?:upgrade|subscribe)[ a-z]{0,30}(?:plan|subscription|tier)[ a-z]{0,20}"
            r"(?:to (?:continue|use|access)|required)",
            r"(?:plan|subscription)[ a-z']{0,40}(?:does not|doesn't|not|has not) (?:yet )?"
            r"(?:include|cover|support|allow)|subscription (?:has )?(?:expired|required)"
            r"|no (?:active )?(?:resource package|subscription)",
            r"resource ?pack(?:age)?[ a-z]{0,20}(?:exhaust|used up|expired|insufficient)|resourcepackexhausted",
            r"freeresourcepack",
            r"extra usage|exceeded[ a-z]{0,24}included credits|token quota[ a-z]{0,20}(?:exceeded|exhausted|used)",
            r"余额不足|余额不够|额度不足|额度已(?:用尽|用完|耗尽)|额度.{0,10}(?:用尽|不足|耗尽)|欠费|请充值|充值后|资源包.{0,10}(?:用尽|不足|过期|耗尽)",
            r"(?:额度|余额)(?:已?为|：|:) ?0(?![.\d])|配额.{0,6}(?:不足|用尽|耗尽)|账户.{0,6}(?:余额|欠)",
            r"套餐.{0,16}(?:到期|用尽|不支持|不包含|未包含|过期|暂未开放)|付费",
        ),
        codes=frozenset(
            {
                "insufficient_quota",
                "insufficient_user_quota",
                "insufficient_balance",
                "arrearage",
                "budget_exceeded",
                "billing_not_active",
                "billing_error",
                "billing_hard_limit_reached",
                "accountoverdueerror",
                "exceeded_current_quota_error",
                "pre_consume_token_quota_failed",
                "quota_exceeded",
                "quota_reached",
                "daily_limit",
                "monthly_limit",
                "quotaexceeded",
                "setlimitexceeded",
                "payment_required",
                "insufficient_credits",
                "resource_pack_exhausted",
                "servicequotaexceededexception",
                "prepaidbilloverdue",
                "postpaidbilloverdue",
                "commoditynotpurchased",
                "allocationquota.freetieronly",
            }
        ),
        # A balance that sets how many calls may run at once: fewer at a time pass.
        unless=words(_PER_HOUR, r"exceeds? (?:your|the) concurrency limit"),
    ),
    Rule(
        name="quota-payment-required-status",
        outcome=outcome_of(FailureKind.QUOTA_EXHAUSTED),
        statuses=frozenset({402}),
    ),
)

LOAD_RULES: Final = (
    Rule(
        # A router that has set all its deployments aside for some seconds.
        name="router-cools-down",
        outcome=outcome_of(FailureKind.OVERLOADED),
        words=words(r"no deployments? available", r"all deployments? (?:are )?(?:in cooldown|cooling)"),
    ),
    Rule(
        name="gateway-sheds-load",
        outcome=outcome_of(FailureKind.OVERLOADED),
        words=words(r"reset reason: overflow|upstream_overflow|circuit[ _-]?breaker"),
    ),
    Rule(
        name="overloaded-words",
        outcome=outcome_of(FailureKind.OVERLOADED),
        words=words(
            r"over-?load(?:ed|ing)?\b|serveroverloaded|overloaded_error",
            r"(?:no|insufficient|limited|at|over|temporary|exceed(?:s|ed|ing)?|max(?:imum)?"
            r"|tier|low|out of)[ a-z]{0,16} ?capacity",
            r"capacity (?:is |has been |temporarily )?(?:exceeded|limit|reached|constraints?|exhausted|full)",
            r"capacity exceeded",
            r"(?:server|service|model|engine|system|backend|gpu|endpoint|we)s?(?: is"
            r"| are|'s|'re)?(?: currently| temporarily| too| very| all)* busy",
            r"(?:high|heavy|peak|increased|excessive) (?:demand|load|traffic|usage|volume)",
            r"under (?:heavy|high) (?:load|demand)",
            r"queue(?: is|'s)? (?:full|too long)|(?:request|waiting|pending)[ _]queue|queue_full",
            r"maximum pending requests|max(?:imum)? queue",
            r"(?:no|all)(?: available)? (?:slots?|workers?|instances?|replicas?)(?: are)?"
            r"(?: currently)? (?:available|busy|in use|occupied)",
            r"slot unavailable",
            r"(?:too many|maximum number of|max) (?:pending |running |queued )"
            r"(?:requests|generations|connections|streams)",
            r"too many (?:connections|inflight|in-flight)|unable to handle (?:additional|more|the)",
            r"cannot (?:handle|accept) (?:more|additional)",
            r"resource (?:is )?(?:temporarily )?(?:exhausted|limited).{0,40}busy|slow down\b",
            r"(?:cpu|memory|disk|system)[ a-z_]{0,12}over-?loaded",
            r"worker[ a-z]{0,24}limit (?:is |was )?reached|(?:parallel|concurrent) generation is not supported",
            r"temporarily (?:unavailable|out of)|currently unavailable|temporarily at|try again when",
            r"过载|繁忙|负载.{0,8}(?:高|饱和|过|满)|拥挤|排队|容量不足|维护中|服务.{0,6}暂.{0,2}不可用|请求(?:数)?(?:过多|量过大|较多)|访问量过大|资源(?:不足|紧张)|算力|饱和",
        ),
        codes=frozenset(
            {
                "overloaded_error",
                "overloaded",
                "engine_overloaded_error",
                "engine_overloaded",
                "server_overloaded",
                "serveroverloaded",
                "service_tier_capacity_exceeded",
                "modelserviceoverloaded",
                "unavailable",
                "serviceunavailable",
                "service_unavailable",
                "service_unavailable_error",
                "system_cpu_overloaded",
                "serviceunavailableexception",
                "modelbusy",
                "model_busy",
                "capacity_exceeded",
                "inflightbatchsizeexceeded",
                "server_busy",
                "serverbusy",
            }
        ),
        unless=words(
            r"rate[- ]?limited upstream",
            r"may indicate",  # a guess of a gateway at why its backend is silent
            r"either the server is overloaded or",  # the words of a framework's page for any error
            r"connect(?:ion)? (?:error|refused)|connection attempts failed",
            r"image input",
            r"name resolution",
            r"no (?:healthy )?upstream",
            r"tempora(?:ry|rily) (?:failure|blocked|banned|suspended)",
            r"\brate limit (?:exceeded|reached)",
            r"loading",
            r"region",
            r"not allowed",
        ),
    ),
    Rule(
        name="rate-words",
        outcome=outcome_of(FailureKind.RATE_LIMITED),
        words=words(
            r"rate[ _-]?limit",
            r"too[ _-]?many[ _-]?requests",
            r"throttl",
            r"requests? (?:rate|frequency|too frequent)",
            r"(?:request|call) limit",
            r"limit[ a-z_]{0,20}(?:exceeded|reached)",
            r"resource[ _]?(?:has been )?exhausted",
            r"concurren(?:cy|t)[ a-z_]{0,24}(?:limit|exceed|reached|quota|max)",
            r"(?:max|reached|exceed)[a-z ]{0,24}concurren(?:cy|t)",
            rf"(?:exceed|limit|reached).{{0,60}}(?:{_PER_MINUTE})",
            r"too (?:fast|quickly|frequent(?:ly)?)",
            r"request ?burst",
            r"频率|过于频繁|流量(?:受限|控制|限制)|流控|速率|限流|限速|并发|qps|请求过快|太频繁|次/分钟|每分钟|触发.{0,6}限制",
        ),
        codes=frozenset(
            {
                "rate_limit_exceeded",
                "rate_limited",
                "rate_limit_error",
                "rate_limit_reached_error",
                "throttling",
                "throttling.ratequota",
                "throttling.allocationquota",
                "throttling.user",
                "throttlingexception",
                "toomanyrequests",
                "too_many_requests",
                "resource_exhausted",
                "limit_requests",
                "requestlimitexceeded",
                "ratelimitexceeded",
                "limit_burst_rate",
                "accountratelimitexceeded",
                "ratelimiterror",
                "rate_limit",
                "quotaexceededexception",
            }
        ),
        unless=words(
            r"max_tokens",
            r"(?:context|image|file|body|payload) (?:length |size )?limit",
            r"size limit",
            r"token limit: \d+ \(requested",
            r"\[(?:\d+), ?\d+\]",
        ),
    ),
)
