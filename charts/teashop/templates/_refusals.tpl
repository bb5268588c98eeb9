{{/* What the schema cannot say: values that do not fit together, each refused in one sentence. */}}
{{- define "teashop.refusals" -}}
{{- $drain := .Values.drain -}}
{{- range $service := include "teashop.services" . | fromJsonArray -}}
{{- $values := get $.Values $service -}}
{{- /* After its grace a service finishes what it has begun (5 s at most), then closes what it holds. */ -}}
{{- $graceS := dig "common" "grace_s" $drain.graceS $values.settings -}}
{{- $needed := addf $drain.preStopS $graceS 10.0 -}}
{{- if lt (float64 $drain.terminationS) $needed -}}
{{- fail (printf "drain.terminationS must be at least preStopS + graceS + 10, for %s %v, got %v" $service $needed $drain.terminationS) -}}
{{- end -}}
{{- $scaling := $values.autoscaling -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas must not be above maxReplicas, got %v and %v" $service $scaling.minReplicas $scaling.maxReplicas) -}}
{{- end -}}
{{- $asked := default dict $values.resources.requests -}}
{{- $capped := default dict $values.resources.limits -}}
{{- if and $scaling.enabled (eq $scaling.metric "cpu") (not (or $asked.cpu $capped.cpu)) -}}
{{- fail (printf "%s.autoscaling.metric is cpu, which is told in percent of %s.resources.requests.cpu; give that, or follow another metric" $service $service) -}}
{{- end -}}
{{- end -}}
{{- $door := .Values.gateway.service -}}
{{- $watch := .Values.prometheus.service -}}
{{- if and .Values.prometheus.enabled $door.nodePort (eq (toString $door.nodePort) (toString $watch.nodePort)) (ne $door.type "ClusterIP") (ne $watch.type "ClusterIP") -}}
{{- fail (printf "gateway.service.nodePort and prometheus.service.nodePort are both %v; a node has each port once" $door.nodePort) -}}
{{- end -}}
{{- range $label, $value := .Values.podLabels -}}
{{- if hasPrefix "app.kubernetes.io/" $label -}}
{{- fail (printf "podLabels.%s is the chart's own label, by which pods are selected; choose another name" $label) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "the release name %s must begin with a letter and have no dots: Services are named after it" .Release.Name) -}}
{{- end -}}
{{- if gt (len .Release.Name) 40 -}}
{{- fail (printf "the release name %s must have at most 40 characters: what is made from it must stay a DNS label" .Release.Name) -}}
{{- end -}}
{{- end -}}
