"""The kit: one sink for every error of a FastAPI application, with all that goes with it.

    from ironleaf.web import install
    install(app, catalogue=Catalogue(ENTRIES))

Loads no image and no model library.
"""

from ironleaf.web.answer import OwnResponse, answer_error
from ironleaf.web.departure import run_while_connected
from ironleaf.web.envelope import DetailBody, Envelope, ErrorBody, ErrorEnvelope, ProblemDocument, document_errors
from ironleaf.web.front_guard import FrontRules
from ironleaf.web.heads import answer_heads
from ironleaf.web.health import HealthDetails
from ironleaf.web.hosts import HostRules
from ironleaf.web.installation import Kit, complete_catalogue, install
from ironleaf.web.observation import ErrorCounts, ErrorObserver, ErrorSeen, RequestObserver, RequestSeen, log_error
from ironleaf.web.refusal import Refusal

__all__ = [
    "DetailBody",
    "Envelope",
    "ErrorBody",
    "ErrorCounts",
    "ErrorEnvelope",
    "ErrorObserver",
    "ErrorSeen",
    "FrontRules",
    "HealthDetails",
    "HostRules",
    "Kit",
    "OwnResponse",
    "ProblemDocument",
    "Refusal",
    "RequestObserver",
    "RequestSeen",
    "answer_error",
    "answer_heads",
    "complete_catalogue",
    "document_errors",
    "install",
    "log_error",
    "run_while_connected",
]
