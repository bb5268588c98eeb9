"""The one HPA in a text as people have it: alone, among other documents, or in a List of kubectl's.

Versions: autoscaling/v1 is what `kubectl get hpa.v1.autoscaling` and older files hold, and says a
CPU target at most; Kubernetes keeps its other metrics and its behaviour in annotations then.
v2beta1 and v2beta2 are served no more (since 1.25 and 1.26).
"""

from collections.abc import Iterable, Iterator
from typing import cast

import yaml

from teastorm import strict_yaml
from teastorm.autoscale.fields import FieldError, Fields

KIND = "HorizontalPodAutoscaler"
VERSION = "autoscaling/v2"
_V1 = "autoscaling/v1"
_V1_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage")
_V1_ANNOTATIONS = (
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/behavior",
)
_CONVERT = "kubectl get hpa.v2.autoscaling NAME -o yaml"
_GONE = {
    "autoscaling/v2beta2": "Kubernetes serves it no more; write autoscaling/v2, its fields are the same",
    "autoscaling/v2beta1": f"Kubernetes serves it no more; write it as autoscaling/v2 ({_CONVERT})",
}

type _Object = dict[str, object]


def load(text: str) -> _Object:
    """The mapping in a text of YAML or JSON: its only document, or its only HPA; FieldError."""
    try:
        documents = [each for each in strict_yaml.documents(text) if each is not None]
    except yaml.YAMLError as error:
        raise FieldError(f"the manifest is not YAML: {' '.join(str(error).split())}") from error
    if not documents or not all(isinstance(each, dict) for each in documents):
        raise FieldError("the manifest must be a mapping with apiVersion, kind, metadata and spec")
    found = cast("list[_Object]", documents)
    if len(found) == 1 and not _is_list(found[0]):
        return found[0]
    return _only_hpa(list(_flattened(found)))


def as_v2(content: _Object) -> _Object:
    """The same HPA in the words of autoscaling/v2; FieldError for what is none or cannot be one."""
    top = Fields(content)
    version, kind = top.text("apiVersion"), top.text("kind")
    if kind != KIND or version not in {VERSION, _V1, *_GONE}:
        raise FieldError(f"want {VERSION} {KIND}, got {version} {kind}")
    if version in _GONE:
        raise FieldError(f"apiVersion {version}: {_GONE[version]}")
    return content if version == VERSION else _of_v1(content, top)


def _of_v1(content: _Object, top: Fields) -> _Object:
    metadata = top.child("metadata")
    annotations = metadata.child("annotations") if "annotations" in metadata else Fields({})
    for key in _V1_ANNOTATIONS:
        if key in annotations:
            raise FieldError(
                f"{annotations.path(key)} holds what {_V1} has no fields for; write it as {VERSION} "
                f"({_CONVERT})"
            )
    spec = top.child("spec")
    unknown = next((key for key in spec.content if key not in _V1_SPEC), None)
    if unknown is not None:
        raise FieldError(
            f"{spec.path(unknown)} is not a known field of {_V1}; it has {', '.join(_V1_SPEC)}"
        )
    *kept, percent = _V1_SPEC
    changed: _Object = {key: spec.content[key] for key in kept if key in spec.content}
    if percent in spec:
        target = {"type": "Utilization", "averageUtilization": spec.integer(percent, low=1)}
        changed["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**content, "apiVersion": VERSION, "spec": changed}


def _flattened(documents: Iterable[_Object]) -> Iterator[_Object]:
    """The objects in documents; those of an API server's own list leave out what the list says."""
    for each in documents:
        if not _is_list(each):
            yield each
            continue
        kind, items = str(each["kind"]), each.get("items")
        said = {} if kind == "List" else {"apiVersion": each.get("apiVersion"), "kind": kind[:-4]}
        if isinstance(items, list):
            yield from (said | item for item in items if isinstance(item, dict))


def _is_list(content: _Object) -> bool:
    return str(content.get("kind")).endswith("List")


def _only_hpa(objects: list[_Object]) -> _Object:
    found = [each for each in objects if each.get("kind") == KIND]
    if len(found) == 1:
        return found[0]
    if not found:
        kinds = ", ".join(dict.fromkeys(str(each.get("kind")) for each in objects)) or "nothing"
        raise FieldError(f"holds no {KIND}, but {kinds}")
    names = ", ".join(map(_name, found))
    raise FieldError(f"holds {len(found)} of {KIND} ({names}); keep one of them in the file")


def _name(manifest: _Object) -> str:
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    return "/".join(str(fields[key]) for key in ("namespace", "name") if key in fields) or "?"
