"""The validators of the existing tools, with their messages, on the findings of the engine."""

from __future__ import annotations

import re
from typing import Any

from ..errors import IdseError
from ..reports import Diagnostic
from ..words import Severity
from ..workspace import Workspace
from ._files import PIPELINE_STAGES
from ._find import NoProject, folder, project_of
from ._state import StageStateModel

Answer = dict[str, Any]

REQUIRED_SECTIONS: dict[str, list[str]] = {
    "intent": ["Purpose / Goal", "Problem / Opportunity", "Vision", "Stakeholders", "Success Criteria"],
    "context": ["Environment Overview", "Technical Context", "Organizational Context"],
    "spec": ["Purpose", "System Overview", "Functional Requirements"],
    "plan": ["Architectural Overview", "Core Components", "Data Flow"],
    "tasks": ["Phase"],
    "implementation": [],
    "feedback": [],
}
"""The sections that each stage must have; the engine also knows them under the other names that teams use."""

_QUOTED = re.compile("“(.*)”|`(.*)`", re.DOTALL)


def get_rules() -> dict[str, Any]:
    """Returns what is checked, as the existing tools list it."""
    return {
        "pipeline_stages": list(PIPELINE_STAGES),
        "required_sections": {stage: list(names) for stage, names in REQUIRED_SECTIONS.items()},
        "marker": "[REQUIRES INPUT]",
    }


class Validator:
    """Checks the artifacts of the current session.

    >>> Validator().validate_project()["errors"]
    ["No IDSE project found. Run 'idse init' first or use --project."]
    """

    _stages: list[str] = [stage for stage in PIPELINE_STAGES if stage != "implementation"]

    def validate_project(self, project_name: str | None = None) -> Answer:
        """Returns `{"valid", "checks", "errors", "warnings"}`; a missing project is one of the errors."""
        return self._validate(project_name, None)[0]

    def _validate(self, project: str | None, session: str | None) -> tuple[Answer, Workspace | None]:
        answer: Answer = {"valid": False, "checks": [], "errors": [], "warnings": []}
        try:
            workspace = project_of(project)
            self._check(workspace.at(session=session), answer)
        except (IdseError, NoProject) as error:
            answer["errors"].append(str(error))
            return answer, None
        answer["valid"] = not answer["errors"]
        return answer, workspace

    def _check(self, workspace: Workspace, answer: Answer) -> None:
        report = workspace.validate()
        found: dict[str | None, list[Diagnostic]] = {}
        for diagnostic in report.diagnostics:
            found.setdefault(diagnostic.stage, []).append(diagnostic)
        existing = [stage for stage in self._stages if self._exists(stage, found.get(stage, []), answer)]
        if "implementation" in existing:
            self._implementation(workspace, answer)
        for stage in existing:
            self._sections(stage, found.get(stage, []), answer)
        self._others(found, answer)

    def _exists(self, stage: str, found: list[Diagnostic], answer: Answer) -> bool:
        codes = {diagnostic.code for diagnostic in found}
        label = _label(stage)
        if "IDSE001" in codes:
            answer["errors"].append(f"{label} is missing")
            return False
        answer["checks"].append(f"{label} exists")
        if "IDSE101" in codes:
            answer["errors"].append(f"{label} contains [REQUIRES INPUT] markers")
        else:
            answer["checks"].append(f"{label} has no [REQUIRES INPUT] markers")
        return True

    def _implementation(self, workspace: Workspace, answer: Answer) -> None:
        """The old validator looks at the implementation however far its stage is."""
        text = workspace.load()["implementation"].text
        if text is None:
            return
        label = _label("implementation")
        found = workspace.validate_text("implementation", text).diagnostics
        report = [diagnostic.message for diagnostic in found if diagnostic.code == "IDSE110"]
        is_blank, is_missing = not text.strip(), any("missing" in message for message in report)
        if is_blank or is_missing:
            answer["errors"].append(f"{label} missing '## Component Impact Report' section")
        else:
            answer["checks"].append(f"{label} has section: Component Impact Report")
        for diagnostic in found:
            if diagnostic.code == "IDSE102":
                text_of = f"{label} contains placeholder content: {_quoted(diagnostic)}"
                if text_of not in answer["errors"]:
                    answer["errors"].append(text_of)
        if is_blank or report:
            answer["errors"].append(f"{label} has no component entries in Component Impact Report")
        else:
            answer["checks"].append(f"{label} has component entries")

    def _sections(self, stage: str, found: list[Diagnostic], answer: Answer) -> None:
        label = _label(stage)
        missing = [_quoted(diagnostic) for diagnostic in found if diagnostic.code == "IDSE103"]
        for section in REQUIRED_SECTIONS[stage]:
            if section in missing:
                missing.remove(section)
                answer["warnings"].append(f"{label} missing recommended section: {section}")
            else:
                answer["checks"].append(f"{label} has section: {section}")
        # What the project requires beside these.
        answer["warnings"] += [f"{label} missing recommended section: {section}" for section in missing]

    def _others(self, found: dict[str | None, list[Diagnostic]], answer: Answer) -> None:
        """What the old validator did not look for: an artifact that cannot be used is an error, the rest are
        warnings."""
        told = {"IDSE001", "IDSE101", "IDSE102", "IDSE103", "IDSE110"}
        for stage in [*self._stages, None]:
            for diagnostic in found.get(stage, []):
                if diagnostic.code in told:
                    continue
                is_text = stage is not None and not diagnostic.code.startswith("IDSE2")
                kind = "errors" if diagnostic.severity == Severity.ERROR and is_text else "warnings"
                if diagnostic.severity != Severity.INFO:
                    where = _label(stage) if stage else diagnostic.path
                    answer[kind].append(f"{where}: {diagnostic.message}")


class ValidationEngine(Validator):
    """The later validator: it also looks at the implementation, and notes the outcome in the state."""

    _stages: list[str] = PIPELINE_STAGES

    def validate_project(
        self,
        project_name: str | None = None,
        backend_override: str | None = None,
        session_id: str | None = None,
    ) -> Answer:
        """Returns `{"valid", "checks", "errors", "warnings"}` and sets `validation_status`.

        The files are what counts, so `backend_override` changes nothing.
        """
        del backend_override
        answer, workspace = self._validate(project_name, session_id)
        if workspace is not None:
            try:
                status = "passing" if answer["valid"] else "failing"
                StageStateModel(folder(workspace)).set_validation_status(status)
            except (OSError, ValueError, IdseError) as error:
                answer["warnings"].append(f"Failed to persist validation status: {error}")
        return answer


def _label(stage: str) -> str:
    return f"{stage}.md"


def _quoted(diagnostic: Diagnostic) -> str:
    """Returns what the message of a finding quotes: the section or the placeholder that it is about."""
    match = _QUOTED.search(diagnostic.message)
    return next(filter(None, match.groups()), "") if match else diagnostic.message
