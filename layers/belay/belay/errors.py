"""Every fault that a room may raise and a state machine may catch by name.

A verdict is returned; a fault is raised. A state machine catches these class names first and ``States.ALL`` last, so a
name here is part of the machines' interface: each docstring says who raises it and what happens next.
"""


class BelayError(Exception):
    """The common base: never raised itself."""


class InvalidRelease(BelayError):  # noqa: N818 - the outcome's own word reads better in a machine than "...Error"
    """What was uploaded is not an acceptable release.

    Raised by the ``release`` room with every problem found, one a line. The release ends REJECTED, nothing changed.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidRegistration(BelayError):  # noqa: N818
    """The operator's registration of an application or stage cannot be used.

    Raised by ``release.registration`` with every problem found, each with its path. The release ends REJECTED, nothing
    changed; the operator corrects the parameter and the release is uploaded again.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnreadableTemplate(BelayError):  # noqa: N818
    """A document that should be a CloudFormation template cannot be read as one.

    Raised by ``template.loader`` with the file, the line and the column. The release ends REJECTED, nothing changed.
    """
