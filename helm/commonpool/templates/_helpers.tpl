{{/* Names and blocks that more than one template needs. */}}

{{- define "commonpool.labels" -}}
app.kubernetes.io/name: commonpool
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: commonpool
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* What a Deployment, Service, PodDisruptionBudget and NetworkPolicy select: never changes between versions. */}}
{{- define "commonpool.selector" -}}
app.kubernetes.io/name: commonpool
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "commonpool.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "commonpool.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "commonpool.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Replicas on different nodes and in different zones, where there are any. */}}
{{- define "commonpool.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "commonpool.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{/* The processes and their ports. */}}
{{- define "commonpool.components" -}}
{{- if eq .Values.scheduler.mode "Enforce" }}
operator: http
{{- end }}
scheduler: https
{{- end }}
