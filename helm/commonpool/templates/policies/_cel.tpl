{{/* CEL that more than one policy needs. Each takes the path of what it looks at, so that a rule reads the same for pods and for templates. */}}

{{/*
Does the pod spec at .spec ask for an accelerator? Limits suffice: the API refuses an extended resource without one. "0" is no request.
A manifest without containers comes here before Kubernetes has refused it, with a null in their place.
*/}}
{{- define "commonpool.cel.wants" -}}
((type({{ .spec }}.containers) == list ? {{ .spec }}.containers : []) + {{ .spec }}.?initContainers.orValue([])).exists(c, c.?resources.?limits.orValue({}).exists(r,
  r.contains('/') && {{ include "commonpool.cel.accelerator" (dict "root" .root "name" "r") }}
  && quantity(c.resources.limits[r]).isGreaterThan(quantity('0'))))
{{- end }}

{{/* Is .name the resource name of an accelerator? */}}
{{- define "commonpool.cel.accelerator" -}}
({{ .name }} in [{{ range $i, $r := .root.Values.accelerators.resourceNames }}{{ if $i }}, {{ end }}{{ $r | squote }}{{ end }}]
{{- range .root.Values.accelerators.resourcePrefixes }} || {{ $.name }}.startsWith({{ squote . }}){{ end }})
{{- end }}

{{/* Does the toleration t get past the pool's taint commonpool.dev/pool=...:NoSchedule, or mean to? */}}
{{- define "commonpool.cel.pastTaint" -}}
(t.?key.orValue('') == '' || t.key.startsWith('commonpool.dev/')) && t.?effect.orValue('') in ['', 'NoSchedule']
{{- end }}

{{/* Do the pod spec at .spec's tolerations let it onto every pool's nodes already? */}}
{{- define "commonpool.cel.tolerates" -}}
{{ .spec }}.?tolerations.orValue([]).exists(t, t.?operator.orValue('Equal') == 'Exists' && t.?key.orValue('') in ['', 'commonpool.dev/pool'] && t.?effect.orValue('') in ['', 'NoSchedule'])
{{- end }}

{{/* Not yet sent to the pool's scheduler. A scheduler that somebody named is left for the validating policy to refuse. */}}
{{- define "commonpool.cel.unsent" -}}
{{ .spec }}.?schedulerName.orValue('') in ['', 'default-scheduler'] || !{{ include "commonpool.cel.tolerates" . }}
{{- end }}

{{/* JSON patches that send the pod spec at .spec (JSON pointer .at) to the pool's scheduler, and past the pool's taint. */}}
{{- define "commonpool.cel.send" -}}
({{ .spec }}.?schedulerName.orValue('') in ['', 'default-scheduler'] ? [JSONPatch{op: 'add', path: '{{ .at }}/schedulerName', value: 'commonpool'}] : [])
+ ({{ include "commonpool.cel.tolerates" . }} ? []
  : has({{ .spec }}.tolerations) ? [JSONPatch{op: 'add', path: '{{ .at }}/tolerations/-', value: {{ include "commonpool.cel.toleration" . }}}]
  : [JSONPatch{op: 'add', path: '{{ .at }}/tolerations', value: [{{ include "commonpool.cel.toleration" . }}]}])
{{- end }}

{{- define "commonpool.cel.toleration" -}}
O{{ .spec | trimPrefix "o" }}.tolerations{key: 'commonpool.dev/pool', operator: 'Exists', effect: 'NoSchedule'}
{{- end }}

{{/* Is the number of replicas of this way (training, inference) a plain number? No schema has been looked at yet: any part may be of any type. */}}
{{- define "commonpool.cel.plainReplicas" -}}
(has(object.spec) && type(object.spec) == map && '{{ . }}' in object.spec && type(object.spec.{{ . }}) == map && 'replicas' in object.spec.{{ . }} && type(object.spec.{{ . }}.replicas) == int)
{{- end }}

{{- define "commonpool.operatorName" -}}
system:serviceaccount:{{ .Release.Namespace }}:commonpool-operator
{{- end }}

{{/* Namespaces that never belong to a tenant, as a JSON list; sorted, so that the same values render the same text. */}}
{{- define "commonpool.exempt" -}}
{{ append .Values.policies.exemptNamespaces .Release.Namespace | uniq | sortAlpha | toJson }}
{{- end }}

{{/*
May who asks have a pod forgotten before its containers have ended? Kubelets do it when these have; the garbage collector of pods when their node is gone; and
whoever may update nodes could take the node away as well.
*/}}
{{- define "commonpool.cel.mayForget" -}}
'system:nodes' in request.userInfo.groups
|| request.userInfo.username in ['system:serviceaccount:kube-system:pod-garbage-collector', 'system:kube-controller-manager']
|| authorizer.group('').resource('nodes').check('update').allowed()
{{- end }}

{{- define "commonpool.inTenants" -}}
matchExpressions:
- {key: commonpool.dev/tenant, operator: Exists}
{{- end }}
