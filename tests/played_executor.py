"""A simulated database executor: statements say their own result, and a JSON document is the database.

It implements the protocol (``belay.database.executor``) with only the standard library, so that its source is also a
Lambda function's. An operation is begun once for each token and has ended at the next poll, unless a statement says
``TAKES``; then it ends when the document's ``released`` is true.
"""

from collections.abc import Callable, Mapping
from typing import Any

AT = "2026-03-02T09:30:00.000+00:00"


def empty() -> dict[str, Any]:
    """An unchanged database: ``asked`` lists what was begun, in order; ``undoes``: its tool can undo."""
    database = {"recorded": [], "operations": {}, "asked": [], "forecast_on": [], "queries": []}
    return {**database, "released": False, "undoes": True}


def answered(
    request: Mapping[str, Any], database: dict[str, Any], changes: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    """Handle a request and change the database; ``changes`` reads the stored document of a request."""
    if request["request"] == "status":
        return _progress(database, request["operation"])
    name = f"{request['request']}-{request['token']}"
    if name not in database["operations"]:
        database["asked"].append(request["request"])
        if request["request"] == "forecast":
            database["forecast_on"].append(request["database"]["identifier"])
        document = changes(request["changes"]) if request.get("changes") else {"changes": [], "attempt": ""}
        ended = {"schema": 1, "operation": name, **_DONE[request["request"]](database, document)}
        takes = "TAKES" in str(document["changes"]) and request["request"] == "apply"
        none_begun = ended["state"] in ("REFUSED", "UNSUPPORTED")
        database["operations"][name] = {"ended": ended, "takes": takes}
        return ended if none_begun else {"schema": 1, "operation": name, "state": "RUNNING"}
    return _progress(database, name)


def _progress(database: dict[str, Any], name: str) -> dict[str, Any]:
    operation = database["operations"][name]
    if operation["takes"] and not database["released"]:
        return {"schema": 1, "operation": name, "state": "RUNNING"}
    return dict(operation["ended"])


def _profile(database: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": "SUCCEEDED", "profile": _read(database)}


def _read(database: dict[str, Any]) -> dict[str, Any]:
    queries = [{"query": each, "calls": 1, "mean_milliseconds": 1.0} for each in database["queries"]]
    return {"version": "18.1", "recorded": database["recorded"], "queries": queries}


def _forecast(database: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Try the changes on a copy of the database, which is left unchanged."""
    copied = {"recorded": [*database["recorded"]]}
    tried = _apply(copied, document)
    for result, change in zip(tried["changes"], document["changes"], strict=True):
        if result["outcome"] == "APPLIED":
            result |= {"seconds": 0.5, "locks": [{"relation": "refunds", "mode": "AccessExclusiveLock"}]}
            result["undo"] = None if change["undo"] is None else {"restored": "LEAVES" not in str(change["undo"])}
    planned = [
        {"query": each, "cost_before": 1.0, **({"error": "told to"} if "BREAKS" in each else {"cost_after": 1.0})}
        for each in document["queries"]
    ]
    return {**tried, "queries": planned}


def _apply(database: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    there = {each["id"] for each in database["recorded"] if each["outcome"] == "APPLIED"}
    results = []
    for change in document["changes"]:
        text = " ".join(statement["text"] or "" for statement in change["statements"])
        outcome = "FAILED" if "FAILS" in text else "UNKNOWN" if "BREAKS" in text else "APPLIED"
        if results and results[-1]["outcome"] in ("FAILED", "UNKNOWN", "PENDING"):
            outcome = "PENDING"
        elif change["id"] in there:
            outcome = "UNCHANGED"
        else:
            _note(database, change, document, outcome)
        results.append(_result(change, outcome))
    failed = [each for each in results if each["outcome"] in ("FAILED", "UNKNOWN")]
    return {"state": "FAILED" if failed else "SUCCEEDED", "changes": results}


def _undo(database: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    if not database["undoes"]:
        return {"state": "UNSUPPORTED", "reason": "this edition of the tool does not undo"}
    ours = {
        each["id"]
        for each in database["recorded"]
        if each["attempt"] == document["attempt"] and each["outcome"] == "APPLIED"
    }
    without = [each["id"] for each in document["changes"] if each["id"] in ours and each["undo"] is None]
    if without:
        return {"state": "UNSUPPORTED", "reason": f"{without[0]} has no undo"}
    results = []
    for change in document["changes"]:
        if change["id"] in ours:
            _note(database, change, document, "UNDONE")
        results.append(_result(change, "UNDONE" if change["id"] in ours else "UNCHANGED"))
    return {"state": "SUCCEEDED", "changes": results}


_DONE = {"profile": _profile, "forecast": _forecast, "apply": _apply, "undo": _undo}


def _note(database: dict[str, Any], change: Mapping[str, Any], document: Mapping[str, Any], outcome: str) -> None:
    others = [each for each in database["recorded"] if each["id"] != change["id"]]
    noted = {
        **{name: change[name] for name in ("id", "author", "path", "digest")},
        "position": len(others),
        "release": document["release"],
        "attempt": document["attempt"],
        "started": AT,
        "ended": AT,
        "outcome": outcome,
    }
    database["recorded"] = [*others, noted]


def _result(change: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    result: dict[str, Any] = {"id": change["id"], "digest": change["digest"], "outcome": outcome}
    if outcome not in ("UNCHANGED", "PENDING"):
        result |= {"started": AT, "ended": AT}
    if outcome in ("FAILED", "UNKNOWN"):
        result["error"] = {"message": "it was told to", "code": "P0001", "path": change["path"], "line": 1}
    return result
