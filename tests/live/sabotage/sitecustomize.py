"""Breaks one thing in every process of the shop, as TEASTORM_SABOTAGE says. For tests only."""

import os

_what = os.environ.get("TEASTORM_SABOTAGE")

if _what == "strip-retry-after":
    from teashop.serving import asgi

    _response = asgi.Problem.response

    def _without_retry_after(self):
        answer = _response(self)
        kept = tuple(h for h in answer.headers if h[0] != b"retry-after")
        return asgi.Response(answer.status, answer.body, kept)

    asgi.Problem.response = _without_retry_after
elif _what == "swap-priorities":
    from teashop.resilience import priority
    from teashop.resilience.criticality import Criticality

    _admits = priority.Threshold.admits

    def _upside_down(self, criticality, user, now_s):
        return _admits(self, Criticality(3 - int(criticality)), user, now_s)

    priority.Threshold.admits = _upside_down
