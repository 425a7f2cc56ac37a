"""The course's nbgrader configuration, for `make grade`, for nbgrader used by hand in this folder, and for a hub."""

import sys
from pathlib import Path

CLASSROOM = Path(__file__).resolve().parent
if str(CLASSROOM) not in sys.path:
    sys.path.insert(0, str(CLASSROOM))


def configure(c):
    from before_handing_in import BeforeHandingIn
    from nbgrader.converters import GenerateAssignment

    c.CourseDirectory.course_id = "bottleneck"
    c.CourseDirectory.root = str(CLASSROOM)

    # What students find where the solution was.
    c.ClearSolutions.code_stub = {
        "python": "# 在这里写你的代码，写好后删去下一行。 · Write your code here, then delete the next line.\n"
        "raise NotImplementedError()"
    }
    c.ClearSolutions.text_stub = (
        "*（在这里写你的回答，中文、英文都可以。 · Write your answer here, in Chinese or English.）*"
    )

    # What students get; ours comes last, when there are no hidden tests any more.
    c.GenerateAssignment.preprocessors = [*GenerateAssignment.preprocessors.default(), BeforeHandingIn]

    # The first of these is nbgrader's Execute with a kernel in the sandbox, the last makes what students wrote harmless
    # to a browser, the others are nbgrader's own.
    c.Autograde.autograde_preprocessors = [
        "kernel.SandboxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
        "inert.MakeInert",
    ]

    c.GenerateFeedback.exporter_class = "feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = ["nbgrader.preprocessors.GetGrades", "feedback.StudentFeedback"]
    # Once the deadline is over: True puts the source of hidden tests into the feedback pages.
    c.StudentFeedback.show_hidden_tests = False


if "get_config" in globals():
    configure(get_config())  # noqa: F821 (traitlets gives it to the files that it loads)
    # A Jupyter server reads this file just before it opens Formgrader, which has no setting for what follows.
    if "nbgrader.server_extensions.formgrader" in sys.modules:
        from formgrader import guard

        guard()
