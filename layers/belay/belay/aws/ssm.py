"""Parameter Store: registrations, and the pause switch."""

from belay.aws.clients import Gateway
from belay.aws.faults import translated

APPLICATIONS = "/belay/applications/"


class ParameterStore(Gateway):
    """Belay's parameters; functions never write them, because they belong to the operators."""

    def get_parameter(self, name: str) -> str | None:
        """Return a parameter's value, or None if it does not exist."""
        with translated("SSM.GetParameter", ignoring=("ParameterNotFound",)):
            return str(self._client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        return None

    def put_parameter(self, name: str, value: str) -> None:
        """Change a parameter's value at an operator's request."""
        with translated("SSM.PutParameter"):
            self._client.put_parameter(Name=name, Value=value, Overwrite=True)

    def create_parameter(self, name: str, value: str) -> None:
        """Create a parameter at an operator's request."""
        with translated("SSM.PutParameter"):
            self._client.put_parameter(Name=name, Value=value, Type="String")

    def get_parameters_by_path(self, path: str) -> dict[str, str]:
        """Return every parameter below ``path``, by full name."""
        with translated("SSM.GetParametersByPath"):
            pages = self._client.get_paginator("get_parameters_by_path").paginate(
                Path=path, Recursive=True, WithDecryption=True
            )
            return {p["Name"]: p["Value"] for page in pages for p in page["Parameters"]}


class ParameterVersions(Gateway):
    """The versions of any of the account's parameters, without their values."""

    def newest(self, name: str) -> str | None:
        """Return a parameter's newest version, or None if it does not exist."""
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        with translated("SSM.DescribeParameters"):
            pages = self._client.get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
            return next((str(each["Version"]) for page in pages for each in page["Parameters"]), None)
