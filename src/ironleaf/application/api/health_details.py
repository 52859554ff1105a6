"""What `/health` tells operators beside the states."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request

from ironleaf.application.access.guard import Guard
from ironleaf.application.access.keys import Scope
from ironleaf.foundation.health import HealthReport
from ironleaf.foundation.observability import Redactor
from ironleaf.web import HealthDetails
from ironleaf.web.catalogue_pages import find_language


def make_health_details(guard: Guard, redactor: Redactor) -> HealthDetails:
    """Return the details for callers with scope ``ops``, no key or password in them; nothing for all others."""

    async def tell(request: Request, report: HealthReport) -> Mapping[str, str] | None:
        caller = guard.recognise(request.scope)
        if caller is None or Scope.OPS not in caller.scopes:
            return None
        language = find_language(request)
        return {name: redactor.redact_text(result.detail_in(language)) for name, result in report.components.items()}

    return tell
