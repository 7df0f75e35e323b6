"""Which codes and which few phrases mean what, for all providers together."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmclient.dialects.failure import Kind

# Codes are folded: lower case, letters and digits only, without a final "error" or "exception".
_BY_KIND: Final[Mapping[Kind, str]] = {
    "authentication": """
        authentication authenticationfailed unauthorized unauthenticated invalidapikey incorrectapikey missingapikey apikeyinvalid apikeymissing
        apikeynotfound invalidauthentication invalidauthenticationtoken invalidtoken expiredtoken tokenexpired unrecognizedclient
        invalidclienttokenid invalidsignature incompletesignature accountdeactivated invalidaccesstoken invalidissuer noauth authfailed
    """,
    "permission": "permission permissiondenied accessdenied forbidden insufficientpermissions unsupportedcountryregionterritory modelaccessdenied",
    "rate_limit": """
        ratelimit ratelimitexceeded ratelimitreached ratelimitreachederror toomanyrequests throttling throttled throttlingrequests
        requestlimitexceeded resourceexhausted limitrequests limitburstrate limittokens servicequotaexceeded tokenratelimit
        requestthrottled concurrencylimitexceeded requestratetoofast tpmlimitexceeded rpmlimitexceeded throttlingratequota throttlingallocationquota
    """,
    "quota": """
        insufficientquota quotaexceeded exceededcurrentquota billinghardlimitreached billingnotactive billing insufficientbalance
        insufficientcredits insufficientcredit insufficientfunds paymentrequired arrearage accountoverdue spendlimitexceeded budgetexceeded
        creditlimitexceeded creditsexhausted quotalimitexceeded balancenotenough outofcredits accountbalanceinsufficient usagelimitreached
        usagenotincluded monthlylimitexceeded
    """,
    "model_not_found": """
        modelnotfound modelnotexist modeldoesnotexist invalidmodel unknownmodel nosuchmodel deploymentnotfound modelnotopen
        invalidendpointormodelnotfound modeldecommissioned modeldeprecated modelnotavailable modelnotsupported unsupportedmodel modelidinvalid
        notfoundmodel endpointnotfound
    """,
    "context_length": """
        contextlengthexceeded contextwindowexceeded exceedcontextsize toomanyprompttokens toomanytokens inputtoolong prompttoolong
        contextlength maxcontextlengthexceeded contextlimitexceeded tokenlimitexceeded modelcontextwindowexceeded inputlengthexceeded
    """,
    "content_filter": """
        contentfilter contentfiltered contentpolicyviolation contentpolicy responsibleaipolicyviolation sensitivecontent datainspectionfailed
        contentmoderation moderationblocked moderation inputsensitive outputsensitive invalidprompt promptblocked sensitivecontentdetected
        policyviolation contentblocked safetyviolation inputtextsensitivecontentdetected contentsafety usagepolicyviolation
    """,
    "unavailable": """
        overloaded serviceunavailable serveroverloaded engineoverloaded modeloverloaded unavailable serverbusy systembusy modelnotready modelloading
        capacityexceeded nocapacity modelstreaming slowdown serviceoverloaded dependencyfailed badgateway upstreamunavailable
    """,
    "timeout": "timeout requesttimeout deadlineexceeded gatewaytimeout modeltimeout upstreamtimeout",
    "not_supported": "notsupported unimplemented notimplemented unsupportedoperation",
}
CODES: Final[Mapping[str, Kind]] = {code: kind for kind, codes in _BY_KIND.items() for code in codes.split()}

PROVIDER_CODES: Final[Mapping[str, Kind]] = {
    "1000": "server", "1001": "timeout", "1002": "rate_limit", "1004": "authentication", "1008": "quota", "1013": "server", "1024": "server",
    "1026": "content_filter", "1027": "content_filter", "1033": "server", "1039": "rate_limit", "1041": "rate_limit", "1042": "invalid",
    "2013": "invalid", "2045": "rate_limit", "2049": "authentication", "2056": "quota",
}  # fmt: skip
"""MiniMax, in `base_resp.status_code` of a 200 (https://platform.minimax.io/docs/api-reference/errorcode)."""

IMPLIED: Final[Mapping[str, int]] = {
    "invalidrequest": 400, "badrequest": 400, "invalidargument": 400, "invalidparameter": 400, "failedprecondition": 400, "outofrange": 400,
    "validation": 400, "invalidvalue": 400, "invalidparams": 400, "notfound": 404, "conflict": 409, "requesttoolarge": 413,
    "unprocessableentity": 422, "server": 500, "serverexception": 500, "internalserver": 500, "internal": 500, "api": 500, "unknown": 500,
    "authentication": 401, "permission": 403, "ratelimit": 429, "ratelimitexceeded": 429, "overloaded": 529, "serviceunavailable": 503,
    "timeout": 504, "insufficientquota": 429,
}  # fmt: skip
"""The status that a failure of this code or type comes with when it comes with one."""


@functools.cache
def _phrases() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    context = r"""
        maximum\ (?:context|prompt|input)\ length | (?:prompt|input)\ is\ too\ long | prompt\ too\ long | exceeds?\ the\ available\ context\ size
        | exceeds?\ the\ (?:model'?s?\ )?(?:maximum\ )?(?:context|number\ of\ tokens) | `?inputs`?\ tokens\ \+\ `?max_new_tokens
        | context\ length\ exceeded | context_length_exceeded | current\ length\ is\ \d+\ while\ limit\ is
        | exceed(?:ed|s)?\ (?:max(?:imum)?\ |the\ )?context\ (?:length|window|limit) | exceed(?:ed|s)?\ (?:the\ )?model\ token\ limit
        | total\ message\ token\ length\ exceed | too\ many\ tokens:\ size | range\ of\ input\ length\ should\ be
        | total\ length\ of\ all\ messages\ is\ too\ long | (?:input|prompt)\ token\ count\b.*\bexceeds | context\ window\ of\ this\ model
    """
    key = r"""
        (?:incorrect|invalid|missing|no\ valid|unauthorized)\ api[\ -]?key | api[\ -]?key\ (?:is\ )?(?:not\ valid|invalid|missing|not\ found)
    """
    quota = r"""
        insufficient\ (?:account\ )?(?:balance|credits?|funds) | reached\ your\ specified\ api\ usage\ limits | out\ of\ credits | billing\ hard\ limit
        | credit\ balance\ is\ too\ low | exceeded\ your\ monthly | no\ remaining\ credits | 余额不足 | 欠费
    """
    name = r"[`'\"“]*[\w./:@+-]+[`'\"”]*"
    gone = r"(?:does\ not\ exist|(?:was\ |is\ )?not\ found|could\ not\ be\ found|not\ exist|has\ been\ (?:deprecated|decommissioned))"
    model = rf"""
        model\ not\ found | invalid\ model\b(?!\ (?:response|output)) | no\ such\ model | unknown\ model | not\ a\ valid\ model
        | model\ identifier\ is\ invalid | supported\ api\ model\ names | no\ endpoints\ found\ for
        | \bmodels?[\ :]+{name}\ {gone} | \bmodel[\ :]+{name}\ is\ not\ (?:supported|available)(?:[.,;:!]|$)
    """
    policy = r"content\ violates\ usage\ guidelines | violat(?:es|ed|ing)\ (?:our\ )?(?:content|usage)\ polic(?:y|ies) | content\ management\ policy"
    busy = r"server\ overloaded | model\ is\ (?:currently\ )?(?:overloaded|loading) | currently\ loading"
    rate = r"rate[\ -]limit(?:ed)?\ (?:reached|exceeded|upstream)"
    pairs: tuple[tuple[Kind, str], ...] = (
        ("context_length", context),
        ("authentication", key),
        ("quota", quota),
        ("content_filter", policy),
        ("model_not_found", model),
        ("unavailable", busy),
        ("rate_limit", rate),
    )
    return tuple((kind, re.compile(pattern, re.IGNORECASE | re.VERBOSE)) for kind, pattern in pairs)


def phrase_kind(text: str) -> Kind | None:
    """Return what a message means by one of the few phrases that are safe to go by."""
    if not text or "string too long" in text.lower():
        # OpenAI on a field that is too long, such as `user`.
        return None
    return next((kind for kind, pattern in _phrases() if pattern.search(text)), None)


@functools.cache
def _subject() -> re.Pattern[str]:
    return re.compile(r"^\W*(?:(?:the|specified|requested|this|api)\s+)*(?:models?|deployment|endpoint or model)\b", re.IGNORECASE)


def speaks_of_model(text: str) -> bool:
    """Return whether a message is about a model (or a deployment of one) rather than one about something else."""
    return bool(_subject().match(text)) or phrase_kind(text) == "model_not_found"


@functools.cache
def _limit_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    number = r"(\d[\d,_]*)"
    limit = rf"""
        maximum\ (?:context|prompt|input)\ length\ (?:is|of)\ {number} | >\ {number} | context\ size\ \({number} | tokens?\ allowed\ \(?{number}
        | must\ be\ <=?\ {number} | limit\ (?:for\ this\ model\ )?(?:is|of)\ {number} | token\ limit:\ {number} | with\ {number}\ maximum\ context
        | \[\d+,\ ?{number}\]
    """
    actual = rf"""
        requested\ (?:about\ )?{number}\ tokens | resulted\ in\ {number}\ tokens | too\ long:\ {number} | \({number}\ tokens\)\ exceeds
        | token\ count\ (?:of\ |\()?{number} | given:\ {number} | length\ is\ {number}\ while | contains\ (?:at\ least\ )?{number}
    """
    return re.compile(limit, re.IGNORECASE | re.VERBOSE), re.compile(actual, re.IGNORECASE | re.VERBOSE)


def read_limits(text: str) -> tuple[int | None, int | None]:
    """Return the context's limit and the length that was asked for, as far as a message gives the numbers."""
    limit, actual = (_number(pattern.search(text)) for pattern in _limit_patterns())
    return limit, actual


def _number(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    digits = next(group for group in match.groups() if group)
    return int(digits.replace(",", "").replace("_", ""))
