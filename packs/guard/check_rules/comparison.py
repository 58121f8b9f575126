"""Checks one template against one file of cfn-guard rules, with the Python binding of cfn-guard's own library.

The pack's function and ``belay validate --rules`` use it; importing it needs cfn-guard-rs.
"""

from cfn_guard_rs.cfn_guard_rs import run_checks_rs


def check(name: str, rules: str, path: str, data: str) -> dict[str, str]:
    """Check one template, as JSON, against one file of rules; return the fields of ``belay.policy.guard.GuardResult``.

    The binding's own classes fail on rules with alternatives, so its JSON is passed on unchanged. Its exceptions have
    no common class; each says why the rules cannot be evaluated, at all or with this template.
    """
    try:
        output = run_checks_rs(data, rules, False)
    except Exception as error:
        return {"rules": name, "template": path, "problem": str(error)}
    if not output:
        return {"rules": name, "template": path, "problem": "expected at least one rule, found none"}
    return {"rules": name, "template": path, "output": output}
