"""What tests of an experiment's autoscaler share: where experiments are, and a manifest."""

from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
HERE = EXPERIMENTS / "late-scaling.yaml"
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}


def manifest(metric=None, **spec):
    external = {
        "type": "External",
        "external": {
            "metric": {"name": "teashop_offered_rps"},
            "target": {"type": "AverageValue", "averageValue": 25},
        },
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "inference"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "inference"},
            "minReplicas": 2,
            "maxReplicas": 4,
            "metrics": [metric or external],
        }
        | spec,
    }
