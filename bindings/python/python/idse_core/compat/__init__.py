"""The classes that programs of the existing orchestrator import, on this engine.

Change the import lines, and nothing else: names, arguments, dictionaries and messages are the same. Where
the old classes lost data (a pull over unsaved work, two people who push at once, a path that leads out of
the session), these keep it and raise.

| old | here | |---|---| | `Validator`, `ValidationEngine`, `REQUIRED_SECTIONS`, `PIPELINE_STAGES`,
`get_rules` | the rules of the engine | | `StateTracker`, `StageStateModel` | `session_state.json` | |
`MCPClient` | push and pull of the engine | | `DesignStoreFilesystem` | artifacts and states as files | |
`SessionMetadata`, `Collaborator`, `SessionManager` | `metadata/session.json` |
"""

from ._client import ConflictError, MCPClient
from ._files import PIPELINE_STAGES
from ._sessions import Collaborator, SessionManager, SessionMetadata
from ._state import StageStateModel, StateTracker
from ._store import DesignStoreFilesystem
from ._validator import REQUIRED_SECTIONS, ValidationEngine, Validator, get_rules

__all__ = [
    "PIPELINE_STAGES",
    "REQUIRED_SECTIONS",
    "Collaborator",
    "ConflictError",
    "DesignStoreFilesystem",
    "MCPClient",
    "SessionManager",
    "SessionMetadata",
    "StageStateModel",
    "StateTracker",
    "ValidationEngine",
    "Validator",
    "get_rules",
]
