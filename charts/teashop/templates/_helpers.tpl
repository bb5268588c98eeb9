{{/* Who calls whom: settings, network policies and tests are made from this one list. */}}
{{- define "teashop.edges" -}}
{"gateway": ["inference", "orders"], "orders": ["dispatch"], "inference": [], "dispatch": []}
{{- end -}}

{{- define "teashop.services" -}}
["orders", "dispatch", "inference", "gateway"]
{{- end -}}

{{- define "teashop.image" -}}
{{ include "teashop.imageOf" (dict "image" .Values.image "tag" .Chart.AppVersion) }}
{{- end -}}

{{/* A digest says more than a tag. Argument: dict "image" values "tag" the one to take when none is given. */}}
{{- define "teashop.imageOf" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- end -}}
{{- end -}}

{{/* Labels that select; never change between versions. Argument: dict "root" $ "component" name. */}}
{{- define "teashop.selector" -}}
app.kubernetes.io/name: teashop
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* A tag may be longer than a label, and begin or end with what no label does. */}}
{{- define "teashop.labels" -}}
{{ include "teashop.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/part-of: teashop
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." }}
{{- end -}}

{{/* What restricted Pod Security wants of a pod; argument: the uid. */}}
{{- define "teashop.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "teashop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "teashop.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "teashop.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* A value kept in a Secret: the given one, else that of the last installation, else a new one.
     Argument: dict "root" $ "secret" name "key" key "given" value. */}}
{{- define "teashop.kept" -}}
{{- if .given -}}
{{ .given | b64enc }}
{{- else -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- $old := get (get ($found | default dict) "data" | default dict) .key -}}
{{ $old | default (randAlphaNum 32 | b64enc) }}
{{- end -}}
{{- end -}}

{{/* One service's settings file. Argument: dict "root" $ "service" name. */}}
{{- define "teashop.settings" -}}
{{- $root := .root -}}
{{- $values := get $root.Values .service -}}
{{- $names := dict -}}
{{- range get (include "teashop.edges" $root | fromJson) .service -}}
{{- $_ := set $names . (printf "%s-%s.%s.svc.%s.:8080" $root.Release.Name . $root.Release.Namespace $root.Values.clusterDomain) -}}
{{- end -}}
{{- $common := dict "seed" $root.Values.seed "protections" $root.Values.protections "endpoints_dns" $names "grace_s" $root.Values.drain.graceS -}}
{{- $settings := dict "common" $common -}}
{{- if has .service (list "orders" "dispatch") -}}
{{- $_ := set $settings "database_wait_s" 90 -}}
{{- end -}}
{{ mergeOverwrite $settings (deepCopy $values.settings) | toJson }}
{{- end -}}

{{/* Secret and key of the DSN; none when nothing that needs a database runs. */}}
{{- define "teashop.dsnSecret" -}}
{{- if .Values.postgresql.enabled -}}
{"name": {{ printf "%s-postgresql" .Release.Name | quote }}, "key": "dsn"}
{{- else if .Values.externalDatabase.existingSecret -}}
{"name": {{ .Values.externalDatabase.existingSecret | quote }}, "key": {{ .Values.externalDatabase.key | quote }}}
{{- else if gt (add (include "teashop.least" .Values.orders | int) (include "teashop.least" .Values.dispatch | int)) 0 -}}
{{- fail "postgresql.enabled is false: name a Secret that holds a DSN in externalDatabase.existingSecret" -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* How many copies a service has at least. Argument: the service's values. */}}
{{- define "teashop.least" -}}
{{ ternary .autoscaling.minReplicas .replicas .autoscaling.enabled | int }}
{{- end -}}
