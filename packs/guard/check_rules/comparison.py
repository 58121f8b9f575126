"""One template against one file of cfn-guard rules, through the Python binding of cfn-guard's own library.

The pack's function and ``belay validate --rules`` use it; importing it needs cfn-guard-rs.
"""

from cfn_guard_rs.cfn_guard_rs import run_checks_rs


def check(name: str, rules: str, path: str, data: str) -> dict[str, str]:
    """Hold one template, as JSON, against one file of rules; answer what ``belay.policy.guard.GuardResult`` is made of.

    The binding's own classes fail on rules with alternatives, so its JSON is handed on as it is. Its exceptions have no
    class in common; each says why the rules cannot be evaluated, or not with this template.
    """
    try:
        output = run_checks_rs(data, rules, False)
    except Exception as error:
        return {"rules": name, "template": path, "problem": str(error)}
    if not output:
        return {"rules": name, "template": path, "problem": "expected at least one rule, found none"}
    return {"rules": name, "template": path, "output": output}
