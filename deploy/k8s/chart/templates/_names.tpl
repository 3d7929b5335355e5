{{- define "arkserver.name" -}}
{{- $name := .Values.service.name | default .Release.Name -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $name) -}}
{{- fail (printf "%q cannot be the name of a Service with room for -metrics; set service.name to at most 40 of a-z, 0-9 and -, with a letter first" $name) -}}
{{- end -}}
{{- $name -}}
{{- end }}

{{- define "arkserver.account" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "arkserver.name" .) }}
{{- else -}}
{{ required "serviceAccount.create is false: set serviceAccount.name" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "arkserver.tokens" -}}
{{ .Values.auth.existingSecret | default (printf "%s-tokens" (include "arkserver.name" .)) }}
{{- end }}

{{- define "arkserver.certificates" -}}
{{ .Values.tls.existingSecret | default (printf "%s-tls" (include "arkserver.name" .)) }}
{{- end }}

{{- define "arkserver.claim" -}}
{{ .Values.checkpoints.existingClaim | default (printf "%s-checkpoints" (include "arkserver.name" .)) }}
{{- end }}

{{- define "arkserver.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* Arguments: dict "root" $ "component" name. */ -}}
{{- define "arkserver.selector" -}}
app.kubernetes.io/name: arkserver
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "arkserver.labels" -}}
{{ include "arkserver.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}
