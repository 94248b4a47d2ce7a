"""The classes of the existing orchestrator, class by class, message by message."""

from __future__ import annotations

import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import idse_core
import pytest
from idse_core.compat import (
    PIPELINE_STAGES,
    REQUIRED_SECTIONS,
    Collaborator,
    ConflictError,
    DesignStoreFilesystem,
    MCPClient,
    SessionManager,
    SessionMetadata,
    StageStateModel,
    StateTracker,
    ValidationEngine,
    Validator,
    get_rules,
)

PATHS = DesignStoreFilesystem.STAGE_PATHS
NO_PROJECT = "No IDSE project found. Run 'idse init' first or use --project."
GOOD = {
    stage: f"# {stage.title()}\n\n"
    + "".join(f"## {name}\n\nSomething.\n\n" for name in REQUIRED_SECTIONS[stage])
    for stage in PIPELINE_STAGES
} | {
    "implementation": "# Implementation\n\nDone.\n\n## Component Impact Report\n\n- **Engine** (src/engine.py)\n",
    "feedback": "# Feedback\n\nFine.\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its first session as `init` writes it."""
    idse_core.init("portal", root=tmp_path, session="s1")
    return tmp_path / ".idse/projects/portal"


def fill(project: Path, texts: dict[str, str], session: str = "s1") -> None:
    for stage, text in texts.items():
        (project / "sessions" / session / PATHS[stage]).write_text(text, encoding="utf-8")


# Validators.


def test_no_project_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"valid": False, "checks": [], "errors": [NO_PROJECT], "warnings": []}
    assert Validator().validate_project() == ValidationEngine().validate_project() == nothing
    idse_core.init("portal")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    errors = Validator().validate_project("billing")["errors"]
    assert errors == [f"Project 'billing' not found at {tmp_path / '.idse/projects/billing'}"]


def test_a_good_session_passes_with_every_check_in_the_old_order(project: Path) -> None:
    fill(project, GOOD)
    expected: list[str] = []
    stages = [stage for stage in PIPELINE_STAGES if stage != "implementation"]
    for stage in stages:
        expected += [f"{stage}.md exists", f"{stage}.md has no [REQUIRES INPUT] markers"]
    for stage in stages:
        expected += [f"{stage}.md has section: {section}" for section in REQUIRED_SECTIONS[stage]]
    answer = Validator().validate_project()
    assert answer == {"valid": True, "checks": expected, "errors": [], "warnings": answer["warnings"]}
    assert not [each for each in answer["warnings"] if "section" in each]


def test_missing_marked_and_incomplete_artifacts(project: Path) -> None:
    fill(project, {**GOOD, "spec": "# Spec\n\n## Purpose\n\n[REQUIRES INPUT]\n\n`[REQUIRES INPUT]`\n"})
    (project / "sessions/s1" / PATHS["plan"]).unlink()
    answer = Validator().validate_project("portal")
    assert not answer["valid"]
    assert answer["errors"] == ["spec.md contains [REQUIRES INPUT] markers", "plan.md is missing"]
    assert [each for each in answer["warnings"] if each.startswith("spec.md missing")] == [
        "spec.md missing recommended section: System Overview",
        "spec.md missing recommended section: Functional Requirements",
    ]
    assert "spec.md has section: Purpose" in answer["checks"]
    assert not [check for check in answer["checks"] if check.startswith("plan.md")]


def test_a_marker_in_code_is_none(project: Path) -> None:
    fill(project, {**GOOD, "spec": GOOD["spec"] + "\nSay `[REQUIRES INPUT]` where it does.\n"})
    assert Validator().validate_project()["valid"]


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (GOOD["implementation"], []),
        ("# Done\n\nText.\n", ["missing '## Component Impact Report' section", "has no component entries in Component Impact Report"]),
        ("# Done\n\n## Component Impact Report\n\nNone yet.\n", ["has no component entries in Component Impact Report"]),
        (GOOD["implementation"].replace("Engine", "ExampleComponent"), ["contains placeholder content: ExampleComponent"]),
        (GOOD["implementation"] + "\n{{ stack }}\n", ["contains placeholder content: {{ stack }}"]),
    ],
)  # fmt: skip
def test_the_later_engine_looks_at_the_implementation(project: Path, text: str, errors: list[str]) -> None:
    fill(project, {**GOOD, "implementation": text})
    answer = ValidationEngine().validate_project(backend_override="filesystem", session_id="s1")
    assert answer["errors"] == [f"implementation.md {error}" for error in errors]
    assert answer["valid"] == (not errors)
    assert ("implementation.md has component entries" in answer["checks"]) == (
        not any("entries" in error for error in errors)
    )
    state = json.loads((project / "session_state.json").read_text())
    assert state["validation_status"] == ("failing" if errors else "passing")
    assert Validator().validate_project()["valid"]


def test_a_status_that_cannot_be_kept_is_a_warning(project: Path) -> None:
    fill(project, GOOD)
    (project / "session_state.json").unlink()
    answer = ValidationEngine().validate_project()
    assert answer["warnings"][-1].startswith("Failed to persist validation status: ")


def test_the_constants() -> None:
    assert (
        PIPELINE_STAGES
        == StateTracker.STAGE_NAMES
        == list(PATHS)
        == [str(stage) for stage in idse_core.Stage]
    )
    assert REQUIRED_SECTIONS["tasks"] == ["Phase"] and len(REQUIRED_SECTIONS["intent"]) == 5
    assert get_rules()["required_sections"] == REQUIRED_SECTIONS


# State trackers.


@pytest.mark.parametrize("cls", [StateTracker, StageStateModel])
def test_a_state_from_its_beginning(cls: type[StageStateModel], tmp_path: Path) -> None:
    tracker = cls(str(tmp_path / "p"))
    assert (tracker.project_path, tracker.state_file) == (tmp_path / "p", tmp_path / "p/session_state.json")
    for early in (tracker.get_status, tracker.get_current_stage, tracker.refresh_state_file):
        with pytest.raises(
            FileNotFoundError, match=r"No session_state\.json found\. Run 'idse init' first\."
        ):
            early()
    state = tracker.init_state("portal", "s1", is_blueprint=True)
    assert list(state) == [
        "project_name", "session_id", "is_blueprint", "stages", "last_sync", "validation_status", "created_at"
    ]  # fmt: skip
    assert datetime.fromisoformat(state["created_at"]).tzinfo is None
    text = tracker.state_file.read_text()
    assert text == json.dumps(state, indent=2) and not text.endswith("\n")
    assert tracker.get_current_stage() == "intent"
    for stage in PIPELINE_STAGES:
        tracker.update_stage(stage, "completed")
    assert tracker.get_current_stage() is None
    assert tracker.set_validation_status("passing")["validation_status"] == "passing"
    assert tracker.mark_synced("2026-01-10T15:30:00Z")["last_sync"] == "2026-01-10T15:30:00Z"
    assert tracker.mark_synced()["last_sync"].startswith("20")
    assert cls(tmp_path / "p").get_status() == tracker.get_status()


def test_what_a_tracker_refuses(project: Path) -> None:
    tracker = StateTracker(project)
    before = tracker.state_file.read_bytes()
    for stage, status, message in [
        ("intend", "completed", "Unknown stage: intend"),
        ("intent", "complete", "Invalid status: complete"),
        ("intent", "", "Invalid status: "),
    ]:
        with pytest.raises(ValueError) as caught:
            tracker.update_stage(stage, status)
        assert str(caught.value) == message
    with pytest.raises(ValueError, match="Invalid status: fine"):
        tracker.set_validation_status("fine")
    assert tracker.state_file.read_bytes() == before


def test_a_tracker_finds_its_project_and_the_engine_sees_what_it_wrote(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "sessions")
    tracker = StateTracker()
    assert tracker.project_path == project
    tracker.update_stage("intent", "in_progress")
    assert idse_core.discover().status()["intent"].status == "in_progress"
    assert tracker.get_status("portal") == tracker.get_status()
    idse_core.discover().set_stage("intent", "complete")
    assert (
        tracker.get_status()["stages"]["intent"] == "completed" and tracker.get_current_stage() == "context"
    )


def test_states_as_other_clients_leave_them(tmp_path: Path) -> None:
    tracker = StateTracker(tmp_path)
    for text in ("null", '{"stages": {"intent": "complete"}, "last_agent": "me"}', '{"stages": null}', "[]"):
        tracker.state_file.write_text(text)
        assert tracker.get_current_stage() == ("context" if "complete" in text else "intent")
        assert list(tracker.refresh_state_file()["stages"]) == PIPELINE_STAGES
    tracker.state_file.write_text('{"last_agent": "me", "extra": [1]}')
    assert tracker.update_stage("spec", "pending")["extra"] == [1]


def test_detection_by_what_the_files_hold(project: Path) -> None:
    texts = {
        "intent": "a" * 201, "context": "a" * 200, "spec": "a" * 101, "plan": "a" * 100,
        "tasks": "a" * 300 + "[REQUIRES INPUT]",
    }  # fmt: skip
    fill(project, texts)
    for stage in ("implementation", "feedback"):
        (project / "sessions/s1" / PATHS[stage]).unlink()
    tracker = StateTracker(project)
    tracker.update_stage("feedback", "in_progress")
    assert tracker.auto_detect_stage_completion(project / "sessions/s1") == {
        "intent": "completed", "context": "in_progress", "spec": "in_progress", "plan": "pending",
        "tasks": "in_progress", "implementation": "pending", "feedback": "in_progress",
    }  # fmt: skip


def test_no_update_is_lost_and_no_reader_meets_half_a_file(project: Path) -> None:
    stop = threading.Event()

    def read() -> int:
        rounds = 0
        while not stop.is_set():
            json.loads((project / "session_state.json").read_text())
            rounds += 1
        return rounds

    def write(stage: str) -> None:
        for status in ["in_progress", "pending"] * 5 + ["completed"]:
            StateTracker(project).update_stage(stage, status)

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        list(pool.map(write, PIPELINE_STAGES))
        stop.set()
        assert reader.result() > 0
    assert set(StateTracker(project).get_status()["stages"].values()) == {"completed"}


class Memory:
    """A store of another program."""

    def __init__(self) -> None:
        self.states: dict[Any, dict[str, Any]] = {}

    def load_state(self, project: str) -> dict[str, Any]:
        return dict(self.states[project])

    def save_state(self, project: str, state: dict[str, Any]) -> None:
        self.states[project] = state


class SessionMemory(Memory):
    def load_session_state(self, project: str, session: str) -> dict[str, Any]:
        return dict(self.states[project, session])

    def save_session_state(self, project: str, session: str, state: dict[str, Any]) -> None:
        self.states[project, session] = state


@pytest.mark.parametrize(("store", "key"), [(Memory(), "portal"), (SessionMemory(), ("portal", "s1"))])
def test_a_store_of_another_program_is_honoured(store: Memory, key: Any, tmp_path: Path) -> None:
    model = StageStateModel(tmp_path, store=store, project_name="portal", session_id="s1")
    model.init_state("portal", "s1")
    model.update_stage("intent", "completed")
    assert list(store.states) == [key] and store.states[key]["stages"]["intent"] == "completed"
    model.state_file.unlink()
    model.refresh_state_file()
    assert json.loads(model.state_file.read_text()) == store.states[key]


# The client.


@pytest.fixture
def agency(project: Path, tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'home' / 'agency.db'}"


def elsewhere(tmp_path: Path, agency: str) -> idse_core.Workspace:
    idse_core.clone("portal", root=tmp_path / "there", remote=agency)
    return idse_core.Workspace(tmp_path / "there", remote=agency)


def test_push_answers_as_the_gateway_did(project: Path, agency: str) -> None:
    answer = MCPClient(agency).push_project()
    assert list(answer) == ["success", "project_id", "message", "synced_stages", "timestamp"]
    assert answer["success"] is True and answer["message"] == "Created new project: portal"
    assert answer["synced_stages"] == PIPELINE_STAGES
    fill(project, {"spec": GOOD["spec"]})
    again = MCPClient(agency).push_project("portal", session_override="s1")
    assert again["message"] == f"Updated project: {answer['project_id']}" and again["synced_stages"] == [
        "spec"
    ]
    assert StateTracker(project).get_status()["last_sync"] == again["timestamp"]
    assert json.loads((project / "metadata/project.json").read_text())["project_uuid"] == answer["project_id"]
    config = json.loads((project / ".idse/config.json").read_text())
    assert (
        config["project_id"] == answer["project_id"] and "last_sync" in config and "agency_url" not in config
    )
    assert MCPClient(agency).config == config


def test_pull_answers_as_the_gateway_did_and_writes_nothing(
    project: Path, agency: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="No project_id"):
        MCPClient(agency).pull_project()
    client = MCPClient(agency)
    project_id = client.push_project()["project_id"]
    there = elsewhere(tmp_path, agency)
    there.write("spec", "# Spec\n\nTheirs.\n")
    there.set_stage("spec", "in_progress", agent="Bob")
    there.push()
    before = (project / "sessions/s1" / PATHS["spec"]).read_text()
    answer = client.pull_project()
    assert (answer["success"], answer["project_id"], answer["name"]) == (True, project_id, "portal")
    assert answer["artifacts"]["spec_md"] == "# Spec\n\nTheirs.\n" and len(answer["artifacts"]) == 7
    assert (
        answer["state_json"]["stages"]["spec"] == "in_progress"
        and answer["state_json"]["last_agent"] == "Bob"
    )
    assert answer["conflicts"] == [] and answer["updated_at"]
    assert (project / "sessions/s1" / PATHS["spec"]).read_text() == before
    assert client.apply_pull(answer) == ["spec"]
    assert (project / "sessions/s1" / PATHS["spec"]).read_text() == "# Spec\n\nTheirs.\n"
    assert client.pull_blueprint(project_id, "s1")["artifacts"] == answer["artifacts"]
    assert StateTracker(project).get_status()["last_sync"] == answer["updated_at"]


def test_unsaved_work_survives_a_pull_unless_forced_and_is_kept_even_then(
    project: Path, agency: str, tmp_path: Path
) -> None:
    client = MCPClient(agency)
    client.push_project()
    there = elsewhere(tmp_path, agency)
    there.write("spec", "# Spec\n\nTheirs.\n")
    there.push()
    fill(project, {"spec": "# Spec\n\nMine.\n"})
    with pytest.raises(ConflictError, match="Remote version is newer") as caught:
        client.push_project()
    assert isinstance(caught.value, idse_core.ExistsError) and caught.value.report.conflicts
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    answer = client.pull_project()
    assert answer["conflicts"] == ["specs/spec.md: changed here and in the agency (both_changed)"]
    assert client.apply_pull(answer) == []
    assert (project / "sessions/s1" / PATHS["spec"]).read_text() == "# Spec\n\nMine.\n"
    forced = client.pull_project(force=True)
    assert client.apply_pull(forced) == ["spec"]
    assert (project / "sessions/s1" / PATHS["spec"]).read_text() == "# Spec\n\nTheirs.\n"
    objects = [each.read_bytes() for each in (tmp_path / ".idse/sync/objects").glob("*/*")]
    assert b"# Spec\n\nMine.\n" in objects


def test_an_answer_from_elsewhere_writes_no_path_and_no_changed_stage(project: Path, tmp_path: Path) -> None:
    fill(project, {"spec": "# Spec\n\nMine.\n"})
    (project / "sessions/s1" / PATHS["plan"]).unlink()
    before = {path for path in tmp_path.rglob("*") if ".idse/sync" not in path.as_posix()}
    answer = {
        "session_id": "s1",
        "artifacts": {
            "intent_md": "# Intent\n\nTheirs.\n", "plans/plan.md": "# Plan\n", "spec_md": "# Spec\n\nTheirs.\n",
            "../../../../../../escaped.md": "x", "/tmp/escaped.md": "x", "meta/meta.md": "x", "tasks_md": None,
        },
    }  # fmt: skip
    assert MCPClient().apply_pull(answer) == ["intent", "plan"]
    after = {path for path in tmp_path.rglob("*") if ".idse/sync" not in path.as_posix()}
    assert after - before == {project / "sessions/s1" / PATHS["plan"]} or after - before == {
        project / "sessions/s1" / PATHS["plan"], tmp_path / ".idse/sync"
    }  # fmt: skip
    assert (project / "sessions/s1" / PATHS["spec"]).read_text() == "# Spec\n\nMine.\n"


def test_where_the_address_comes_from(project: Path, tmp_path: Path) -> None:
    assert MCPClient().agency_url == "http://localhost:8000"
    config = tmp_path / "mine.json"
    config.write_text('{"agency_url": "http://127.0.0.1:9/sync/", "client_id": "me"}')
    assert MCPClient(config_path=config).agency_url == "http://127.0.0.1:9/sync/"
    assert MCPClient("sqlite:x.db", config).agency_url == "sqlite:x.db"
    assert MCPClient(config_path=config).config["client_id"] == "me"


def test_a_client_without_a_project(tmp_path: Path) -> None:
    client = MCPClient("sqlite:agency.db")
    for call in (client.push_project, client.pull_project):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == NO_PROJECT


# The store.


def test_the_file_store(tmp_path: Path) -> None:
    store = DesignStoreFilesystem(str(tmp_path / ".idse"))
    assert (store.idse_root, store.projects_root) == (tmp_path / ".idse", tmp_path / ".idse/projects")
    assert store.list_sessions("portal") == []
    store.save_artifact("portal", "s2", "implementation", "# Done\r\n")
    assert store.load_artifact("portal", "s2", "implementation") == "# Done\r\n"
    assert store.push_artifacts("portal", "s1", {"intent": "a", "spec": "b"}) == ["intent", "spec"]
    assert store.pull_artifacts("portal", "s1") == {"intent": "a", "spec": "b"}
    assert store.pull_artifacts("portal", "s1", ["spec", "plan"]) == {"spec": "b"}
    assert store.list_sessions("portal") == ["s1", "s2"]
    store.save_state("portal", {"stages": {}})
    assert store.load_state("portal") == {"stages": {}}
    for missing in (lambda: store.load_artifact("portal", "s1", "plan"), lambda: store.load_state("other")):
        with pytest.raises(FileNotFoundError):
            missing()
    with pytest.raises(ValueError, match="Unknown stage: specs"):
        store.save_artifact("portal", "s1", "specs", "x")
    with pytest.raises(ValueError):
        store.push_artifacts("portal", "s3", {"intent": "a", "nope": "b"})
    assert store.list_sessions("portal") == ["s1", "s2"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/tmp/x", "a/b", "a\\b", "a\0b"])
def test_no_name_leads_out_of_the_store(tmp_path: Path, name: str) -> None:
    store = DesignStoreFilesystem(tmp_path / ".idse")
    for project, session in ((name, "s1"), ("portal", name)):
        with pytest.raises(ValueError):
            store.save_artifact(project, session, "intent", "x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / ".idse/projects/linked").parent.mkdir(parents=True)
    (tmp_path / ".idse/projects/linked").symlink_to(outside)
    with pytest.raises(ValueError):
        store.save_artifact("linked", "s1", "intent", "x")
    assert not list(outside.iterdir())


# Sessions.


def test_metadata_from_its_beginning(project: Path) -> None:
    folder = project / "sessions/s1"
    metadata = SessionMetadata.load(folder)
    assert list(metadata.to_dict()) == [
        "session_id", "name", "session_type", "description", "is_blueprint", "parent_session", "related_sessions",
        "owner", "collaborators", "tags", "status", "created_at", "updated_at",
    ]  # fmt: skip
    metadata.update(folder, status="review", description="Invoices")
    metadata.add_collaborator("Ada", "reviewer")
    metadata.add_collaborator("Ada")
    metadata.add_collaborator("Bob")
    metadata.remove_collaborator("Bob")
    metadata.add_tag("a")
    metadata.add_tag("a")
    metadata.add_tag("b")
    metadata.remove_tag("b")
    metadata.add_related_session("s2")
    metadata.save(str(folder))
    again = SessionMetadata.load(str(folder))
    assert again == metadata == SessionMetadata.from_dict(metadata.to_dict())
    assert (again.status, again.tags, again.related_sessions) == ("review", ["a"], ["s2"])
    assert [(each.name, each.role) for each in again.collaborators] == [("Ada", "contributor")]
    raw = json.loads((folder / "metadata/session.json").read_text())
    (folder / "metadata/session.json").write_text(json.dumps({**raw, "mine": 1, "collaborators": ["Cy"]}))
    other = SessionMetadata.load(folder)
    assert other.collaborators == [Collaborator("Cy", "contributor", other.created_at)]
    other.save(folder)
    assert json.loads((folder / "metadata/session.json").read_text())["mine"] == 1


def test_what_metadata_refuses(project: Path, tmp_path: Path) -> None:
    folder = project / "sessions/s1"
    metadata = SessionMetadata.load(folder)
    for change in ({"status": "unknown"}, {"session_type": "epic"}, {"colour": "red"}):
        with pytest.raises(ValueError):
            metadata.update(folder, **change)
    assert SessionMetadata.load(folder) == metadata
    with pytest.raises(ValueError, match="Invalid role: boss"):
        metadata.add_collaborator("Ada", "boss")
    with pytest.raises(FileNotFoundError):
        SessionMetadata.load(tmp_path)
    with pytest.raises(KeyError):
        SessionMetadata.from_dict({"session_id": "s1"})


def test_the_manager_lists_what_is_there(project: Path) -> None:
    def make(name: str, created: str, **more: Any) -> None:
        metadata = SessionMetadata(
            name, name, more.pop("session_type", "feature"), created_at=created, **more
        )
        metadata.save(project / "sessions" / name)

    SessionMetadata.load(project / "sessions/s1").update(
        project / "sessions/s1", created_at="2026-01-01T00:00:00"
    )
    make("__blueprint__", "2026-01-02T00:00:00", session_type="blueprint", is_blueprint=True)
    make(
        "login", "2026-01-03T00:00:00", parent_session="__blueprint__", related_sessions=["s1"], tags=["auth"]
    )
    make("lost", "2026-01-04T00:00:00", parent_session="gone", description="Where the Invoices went")
    old = project / "sessions/old/metadata"
    old.mkdir(parents=True)
    (old / ".owner").write_text("Created: 2025-01-01T00:00:00\nClient ID: ada\n")
    (project / "sessions/broken/metadata").mkdir(parents=True)
    (project / "sessions/broken/metadata/session.json").write_text('{"status": "unknown"')
    manager = SessionManager(str(project))
    names = [each.session_id for each in manager.list_sessions() if each.session_id != "broken"]
    assert names == ["lost", "login", "__blueprint__", "s1", "old"]
    legacy = manager.get_session("old")
    assert legacy is not None and (legacy.owner, legacy.tags, legacy.status) == ("ada", ["legacy"], "draft")
    assert legacy.description == "Legacy session (no metadata)" and legacy.parent_session == "__blueprint__"
    assert manager.get_session("none") is None
    assert [each.session_id for each in manager.list_sessions(tag="auth", include_legacy=False)] == ["login"]
    assert [each.session_id for each in manager.search_sessions("INVOICES")] == ["lost"]
    lineage = manager.get_session_lineage("login")
    assert lineage["parent"].session_id == "__blueprint__" and lineage["related"][0].session_id == "s1"
    assert {each.session_id for each in manager.get_session_lineage("__blueprint__")["children"]} == {
        "login", "old", "broken"
    }  # fmt: skip
    with pytest.raises(FileNotFoundError):
        manager.get_session_lineage("none")
    blueprint = manager.get_blueprint_session()
    assert blueprint is not None and blueprint.session_id == "__blueprint__"
    assert [each.session_id for each in manager.get_orphaned_sessions()] == ["lost"]
    assert {each.session_id for each in manager.get_feature_sessions()} >= {"login", "lost"}
    assert manager.get_statistics()["total"] == 6 and manager.get_statistics()["legacy"] == 2
    assert SessionManager(project / "nowhere").list_sessions() == []
