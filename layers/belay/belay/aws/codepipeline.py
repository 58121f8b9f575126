"""CodePipeline's Invoke actions: the job's artifact, and the result of a job."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from belay.aws.faults import translated
from belay.pipeline.job import LONGEST_SUMMARY, Artifact, Failure, Job, Success, bounded, failure_of, job_id, parse_job
from belay.release.archive import open_archive

_ENDED = {"InvalidJobStateException", "JobNotFoundException"}
"""CodePipeline already has a result, or no longer waits for one."""


class Jobs:
    """Reports the results of jobs: exactly one each, whatever happens. ``log`` is called while an exception is
    handled.
    """

    def __init__(self, client: Any, log: Callable[[str], object]) -> None:
        self._client = client
        self._log = log

    def answer(self, event: Mapping[str, Any], act: Callable[[Job], Success]) -> dict[str, Any]:
        """Run a job and report its result to CodePipeline.

        Whatever is raised becomes the job's failure, so that no action hangs until its timeout. Raises ``InvalidEvent``
        if the event names no job, and faults of CodePipeline's own call, after which Lambda retries.
        """
        identity = job_id(event)
        try:
            success = act(parse_job(event))
        except Exception as error:  # every fault is reported as the job's result, or the action would hang
            self._log("the job failed")
            failure = failure_of(error)
            self.put_job_failure_result(identity, failure)
            return {"job": identity, "result": failure.type.value}
        self.put_job_success_result(identity, success)
        return {"job": identity, "result": "Continues" if success.continuation_token else "Succeeded"}

    def put_job_success_result(self, job: str, success: Success) -> None:
        """Report that a job succeeded or, with a continuation token, that it has to be called again."""
        more = {} if success.continuation_token is None else {"continuationToken": success.continuation_token}
        summary = {"summary": bounded(success.summary, LONGEST_SUMMARY)}
        with translated("CodePipeline.PutJobSuccessResult", ignoring=_ENDED):
            self._client.put_job_success_result(jobId=job, executionDetails=summary, **more)

    def put_job_failure_result(self, job: str, failure: Failure) -> None:
        """Report that a job failed, and why."""
        details = {"type": failure.type.value, "message": failure.message}
        with translated("CodePipeline.PutJobFailureResult", ignoring=_ENDED):
            self._client.put_job_failure_result(jobId=job, failureDetails=details)


class ArtifactFiles(Mapping[str, bytes]):
    """The files of an input artifact by path, each decompressed when it is first read.

    Raises ``InvalidRelease`` if the artifact is not a safe zip.
    """

    def __init__(self, reader: "InputArtifact") -> None:
        self._archive = open_archive(reader)
        self._read: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._archive:
            raise KeyError(path)
        if path not in self._read:
            self._read[path] = self._archive.read(path)
        return self._read[path]

    def __iter__(self) -> Iterator[str]:
        return iter(member.name for member in self._archive.members)

    def __len__(self) -> int:
        return len(self._archive.members)


class InputArtifact:
    """An input artifact's zip, read by ranges of one version; ``size`` is in bytes.

    ``s3`` has the credentials of the job, which may read this artifact and nothing else of Belay's.
    """

    def __init__(self, s3: Any, artifact: Artifact) -> None:
        self._s3 = s3
        self._where = {"Bucket": artifact.bucket, "Key": artifact.key}
        with translated("S3.GetObject"):
            answer = s3.get_object(**self._where, Range="bytes=0-0")
        self._where["IfMatch"] = answer["ETag"]
        self.size = int(answer["ContentRange"].rpartition("/")[2])

    def read(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``; fewer at the end of the object."""
        if length <= 0 or offset >= self.size:
            return b""
        with translated("S3.GetObject"):
            answer = self._s3.get_object(**self._where, Range=f"bytes={offset}-{offset + length - 1}")
            return bytes(answer["Body"].read())
