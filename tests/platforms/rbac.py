"""Requests as an authorizer sees them, and the chart's Roles as it reads them.

After k8s.io/apiserver/pkg/endpoints/request (requestinfo.go) and plugin/pkg/auth/authorizer/rbac.
"""

import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.charts.conftest import CHART, EVERYTHING, found

COLLECTIONS = {"GET": "list", "DELETE": "deletecollection", "POST": "create"}
NAMED = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


HELM = shutil.which("helm")
"""The real one: a fake cluster puts a fake one onto PATH."""
ROLES = ("teastorm", "teastorm-install", "teashop-teashop-teastorm")
OF_WHOEVER_MADE_THE_NAMESPACE = {
    ("create", "namespaces"),
    ("delete", "namespaces"),
    ("delete", "clusterroles"),
    ("delete", "clusterrolebindings"),
}
OF_EVERYBODY = {("create", "selfsubjectaccessreviews")}
"""What Kubernetes' own ClusterRole system:basic-user grants."""


@dataclass(frozen=True)
class Action:
    """What is asked of an API server. `resource` has its subresource (`pods/exec`)."""

    verb: str
    group: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group} {self.name}".rstrip()


def action_of(method: str, path: str, *, watching: bool) -> Action | None:
    """The action of a request; None for one about no resource (/version, an API's own page)."""
    head, _, _ = path.partition("/proxy/")
    parts = head.strip("/").split("/")
    if parts[0] == "api":
        group, rest = "", parts[2:]
    elif parts[0] == "apis":
        group, rest = parts[1], parts[3:]
    else:
        return None
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    if not rest:
        return None
    resource, name, *below = [*rest, ""] if len(rest) == 1 else rest
    if below and below[0]:
        resource = f"{resource}/{below[0]}"
    verb = NAMED[method] if name else COLLECTIONS[method]
    if path.partition("/proxy")[1]:
        resource = "pods/proxy"
    # Who makes an object by its collection names none yet.
    return Action("watch" if watching else verb, group, resource, name)


@dataclass(frozen=True)
class Rule:
    """One right: a verb on a resource, of any name or of one."""

    verb: str
    group: str
    resource: str
    name: str | None

    def grants(self, action: Action) -> bool:
        mine = (self.verb, self.group, self.resource)
        return mine == (action.verb, action.group, action.resource) and (
            self.name is None or self.name == action.name
        )


def rules_of(role: dict) -> set[Rule]:
    """A Role or ClusterRole, taken apart into single rights."""
    return {
        Rule(verb, group, resource, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [None])
        for verb in rule["verbs"]
    }


@functools.cache
def rendered() -> list[dict]:
    """The chart with every switch on; skips where there is no Helm, or fails as CI wants it."""
    with tempfile.TemporaryDirectory() as folder:
        values = Path(folder) / "values.json"
        testbed = {"testbed": {"rbac": {"enabled": True, "install": True, "cluster": True}}}
        values.write_text(json.dumps(EVERYTHING | testbed))
        where = ("--namespace", "teashop", "--kube-version", "1.34.0", "--values", str(values))
        command = [HELM or found("helm"), "template", "teashop", str(CHART), *where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@functools.cache
def rights(name: str) -> frozenset[Rule]:
    """What one of `ROLES` grants."""
    roles = [m for m in rendered() if m["kind"].endswith("Role") and m["metadata"]["name"] == name]
    (role,) = roles
    return frozenset(rules_of(role))


def denied(rights: Iterable[Rule], asked: Iterable[Action]) -> set[str]:
    """What no right grants, in words."""
    known = list(rights)
    return {str(action) for action in asked if not any(rule.grants(action) for rule in known)}


def beyond(asked: Iterable[tuple[str, str, bool]]) -> set[str]:
    """What of some requests (method, path, whether a watch) neither the chart's Roles grant nor others.

    Nothing where there is no Helm to render them: the tests of the Roles themselves say so.
    """
    if HELM is None:
        return set()
    actions = {action_of(method, path, watching=watching) for method, path, watching in asked}
    others = OF_WHOEVER_MADE_THE_NAMESPACE | OF_EVERYBODY
    ours = {a for a in actions if a is not None and (a.verb, a.resource) not in others}
    return denied({rule for name in ROLES for rule in rights(name)}, ours)
