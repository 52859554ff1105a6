"""The error model: entries in a catalogue, exceptions that point at them, problems that callers see.

Every error has two faces. The public face (`Problem`) is made from the catalogue
entry and from typed details only. The private face (the exception, its cause and
its context) goes to redacted logs.
"""

from ironleaf.foundation.errors.base import (
    BusinessError,
    DependencyFailure,
    IronleafError,
    LimitReached,
    ModelFailure,
    ProcessingFailure,
    StorageFailure,
    SystemFault,
    ValidationProblem,
)
from ironleaf.foundation.errors.catalogue import Catalogue, CatalogueError
from ironleaf.foundation.errors.detail import Detail, Unit
from ironleaf.foundation.errors.entry import AlertRule, Entry, Family, Kind, Language, Level, NoticeEntry, Text
from ironleaf.foundation.errors.problem import Problem, make_problem

__all__ = [
    "AlertRule",
    "BusinessError",
    "Catalogue",
    "CatalogueError",
    "DependencyFailure",
    "Detail",
    "Entry",
    "Family",
    "IronleafError",
    "Kind",
    "Language",
    "Level",
    "LimitReached",
    "ModelFailure",
    "NoticeEntry",
    "Problem",
    "ProcessingFailure",
    "StorageFailure",
    "SystemFault",
    "Text",
    "Unit",
    "ValidationProblem",
    "make_problem",
]
