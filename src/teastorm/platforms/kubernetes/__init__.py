"""The cluster platform: the chart on any kubeconfig context, through the official client."""
