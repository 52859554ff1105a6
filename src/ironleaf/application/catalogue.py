"""Every error and warning that the product may speak of, from their owners. Loads no engine and no framework."""

from __future__ import annotations

from ironleaf.application import errors as application_errors
from ironleaf.application.access import errors as access_errors
from ironleaf.foundation.alerting import errors as alerting_errors
from ironleaf.foundation.database import errors as database_errors
from ironleaf.foundation.errors import Catalogue, NoticeEntry
from ironleaf.foundation.errors import protocol as protocol_errors
from ironleaf.services import verification
from ironleaf.services.engines import errors as engine_errors
from ironleaf.services.engines import upstream_failures
from ironleaf.services.files import errors as file_errors


def build_catalogue() -> Catalogue:
    """Return every error that the product may answer.

    Raises:
        CatalogueError: a code or reason stands twice.
    """
    return Catalogue(
        (
            *protocol_errors.ENTRIES,
            *database_errors.ENTRIES,
            *file_errors.ENTRIES,
            *engine_errors.ENTRIES,
            *upstream_failures.ENTRIES,
            *application_errors.ENTRIES,
            *alerting_errors.ENTRIES,
            *access_errors.ENTRIES,
        )
    )


def build_notices() -> tuple[NoticeEntry, ...]:
    """Return the closed list of warnings."""
    return (
        *file_errors.NOTICES,
        *engine_errors.NOTICES,
        *verification.NOTICES,
        *application_errors.NOTICES,
    )
