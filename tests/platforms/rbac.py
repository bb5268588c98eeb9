"""Requests as an authorizer sees them, and Roles as it reads them.

After k8s.io/apiserver/pkg/endpoints/request (requestinfo.go) and plugin/pkg/auth/authorizer/rbac.
"""

from dataclasses import dataclass

COLLECTIONS = {"GET": "list", "DELETE": "deletecollection", "POST": "create"}
NAMED = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


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
