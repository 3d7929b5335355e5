{{- /* What the pods have in common. Arguments: dict "root" $ "component" name "values" of that component. */ -}}

{{- define "arkserver.podMetadata" -}}
labels:
  {{- include "arkserver.selector" . | nindent 2 }}
  {{- with .values.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "arkserver.podOptions" -}}
# Links would set ARKSERVER_PORT=tcp://... from the registered Service, which is no port.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- toYaml .root.Values.podSecurity | nindent 2 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: "{{ . }}"
  {{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
{{- with index $.values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
volumes:
  - name: scratch
    emptyDir:
      sizeLimit: "{{ .root.Values.scratchSize }}"
  {{- if .root.Values.tls.enabled }}
  - name: tls
    secret:
      secretName: "{{ include "arkserver.certificates" .root }}"
      defaultMode: 0440
  {{- end }}
  {{- if and .root.Values.auth.enabled (eq .component "scheduler") }}
  - name: tokens
    secret:
      secretName: "{{ include "arkserver.tokens" .root }}"
      defaultMode: 0440
      items:
        - key: users
          path: users
  {{- end }}
  {{- if .root.Values.checkpoints.enabled }}
  - name: checkpoints
    persistentVolumeClaim:
      claimName: "{{ include "arkserver.claim" .root }}"
  {{- end }}
  {{- with .root.Values.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "arkserver.containerOptions" -}}
image: {{ include "arkserver.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
workingDir: /tmp
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - name: scratch
    mountPath: /tmp
  {{- if .root.Values.tls.enabled }}
  - name: tls
    mountPath: /etc/arkserver/tls
    readOnly: true
  {{- end }}
  {{- if and .root.Values.auth.enabled (eq .component "scheduler") }}
  - name: tokens
    mountPath: /etc/arkserver/tokens
    readOnly: true
  {{- end }}
  {{- if .root.Values.checkpoints.enabled }}
  - name: checkpoints
    mountPath: /checkpoints
  {{- end }}
  {{- with .root.Values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "arkserver.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: ARKSERVER_THREADS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
      divisor: "1"
- name: MALLOC_TRIM_THRESHOLD_
  value: {{ .root.Values.mallocTrimThreshold | int64 | quote }}
{{- end }}
