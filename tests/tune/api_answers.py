"""What an API server answers to the four questions of one look at an HPA."""

T0 = 1_770_000_000.0
STAMP = "2026-02-02T02:40:00Z"
"""T0 as the API server writes it."""


def pod(name, *, ready=True, deleting=False):
    meta = {"name": name} | ({"deletionTimestamp": STAMP} if deleting else {})
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": "inference", "resources": {"requests": {"cpu": "80m"}}}]},
        "status": {
            "phase": "Running",
            "startTime": STAMP,
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready), "lastTransitionTime": STAMP},
            ],
        },
    }


HPA = {
    "metadata": {"name": "teashop-inference", "namespace": "teashop", "uid": "u", "labels": {}},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "inference",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            }
        ],
    },
    "status": {
        "desiredReplicas": 3,
        "currentReplicas": 2,
        "currentMetrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "current": {"averageUtilization": 71, "averageValue": "57m"},
                },
            }
        ],
    },
}
SAMPLES = {
    "items": [
        {
            "metadata": {"name": "a"},
            "timestamp": STAMP,
            "window": "10.25s",
            "containers": [
                {"name": "inference", "usage": {"cpu": "56789123n", "memory": "1Ki"}},
                {"name": "other", "usage": {"cpu": "1"}},
            ],
        },
        {"metadata": {"name": "b"}, "timestamp": STAMP, "window": "10s", "containers": []},
    ]
}


def answers(**changes):
    return {
        "hpa": HPA,
        "scale": {"spec": {"replicas": 3}},
        "pods": {"items": [pod("a"), pod("b", ready=False), pod("c", deleting=True)]},
        "samples": SAMPLES,
        "container": "inference",
        "at_s": T0 + 3,
    } | changes
