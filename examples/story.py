"""A session from its check to a settled conflict: story.py WORKSPACE ELSEWHERE AGENCY (`sqlite:PATH`)."""

import sys

import idse_core
from idse_core import Workspace


def tell(here_root: str, there_root: str, agency: str) -> None:
    """Tells the story; the agency is the file that `agency` names."""
    here = Workspace(here_root, remote=agency)
    report = here.validate("intent", "spec")
    print("errors:", report.summary.errors)
    for finding in report.diagnostics:
        print(f"  {finding}")

    pushed = here.push()
    print("push:", pushed.outcome)
    cloned = idse_core.clone(pushed.project, root=there_root, remote=agency)
    print("clone:", cloned.project)
    there = Workspace(there_root, project=cloned.project, session=pushed.session, remote=agency)

    here.write("intent", "# Intent\n\nInvoices on paper.\n")
    print("push:", here.push().outcome)
    there.write("intent", "# Intent\n\nInvoices on screen.\n")
    # Nothing is overwritten: all texts are kept, and a person decides.
    print("pull elsewhere:", there.pull().outcome)

    text = "# Intent\n\nInvoices on paper, and on screen.\n"
    print("resolve:", there.resolve("intent", text=text).resolution)
    print("push elsewhere:", there.push().outcome)
    print("pull:", here.pull().outcome)
    assert here.load()["intent"].text == text


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: story.py WORKSPACE ELSEWHERE AGENCY")
    tell(*sys.argv[1:])
