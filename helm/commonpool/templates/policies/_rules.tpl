{{/*
What a pod of a tenant may not say, as rules (commonpool.cel.inOne) over the variables of commonpool.podVariables. Once for pods, and once for each place
where a template stands: the pods would be refused anyway, but a Job that cannot make its pods says so only in an Event, so it is not taken.
.at is the pod spec's path and .labelsAt the labels' path, for the message; .schedulers are the names that may stand there.
*/}}
{{- define "commonpool.podRules" -}}
{{- $example := first .root.Values.accelerators.resourceNames -}}
- expression: |-
    !variables.fresh || !variables.wants || variables.spec.?schedulerName.orValue('') in {{ .schedulers }}
  messageExpression: |-
    "{{ .at }}.schedulerName `" + variables.spec.?schedulerName.orValue('') + "` would take accelerators that nobody counts: leave it out, the pool's scheduler `commonpool` is set for you"
- expression: |-
    !variables.fresh || variables.wants || variables.spec.?schedulerName.orValue('') != 'commonpool'
  messageExpression: |-
    "{{ .at }}.schedulerName `commonpool` plans only what asks for an accelerator, and would hold this for ever: leave it out, or ask under resources.limits, e.g. `{{ $example }}: 1`"
- expression: |-
    variables.forged.size() == 0
  messageExpression: |-
    "{{ .labelsAt }}: `" + variables.forged[0] + "` is the pool's own: remove it; wishes are annotations, and who pays is said by the namespace"
- expression: |-
    !variables.fresh || variables.spec.?resourceClaims.orValue([]).size() == 0
  messageExpression: |-
    "{{ .at }}.resourceClaims: `" + variables.spec.resourceClaims[0].name + "` would take devices that nobody counts: ask for accelerators under resources.limits instead, e.g. `{{ $example }}: 1`"
- expression: |-
    !variables.fresh || variables.deviceClasses.size() == 0
  messageExpression: |-
    "{{ .at }}.containers: `" + variables.deviceClasses[0] + "` would take devices that nobody counts: ask for the accelerator by its own name instead, e.g. `{{ $example }}: 1`"
- expression: |-
    !variables.fresh || !variables.wants || variables.absurd.size() == 0
  messageExpression: |-
    "{{ .at }}.containers: no node has so much `" + variables.absurd[0] + "`: ask for less"
- expression: |-
    !variables.fresh || !variables.wants || !variables.spec.?priorityClassName.orValue('').startsWith('system-')
  messageExpression: |-
    "{{ .at }}.priorityClassName `" + variables.spec.priorityClassName + "` is for the cluster itself: name one of your tenant's priority classes, or none"
- expression: |-
    !variables.fresh || !variables.wants || variables.spec.?terminationGracePeriodSeconds.orValue(30) != 0
  messageExpression: |-
    "{{ .at }}.terminationGracePeriodSeconds `0` would give accelerators to their next owner before the containers have ended: say at least 1, or leave it out"
- expression: |-
    !variables.fresh || variables.spec.?nodeName.orValue('') == '' || variables.byRight
  messageExpression: |-
    "{{ .at }}.nodeName `" + variables.spec.nodeName + "` would pass the queue by: leave it out, the pool chooses the node; a nodeSelector may narrow the choice"
- expression: |-
    variables.wants || variables.tolerations.size() == 0 || variables.byRight
  messageExpression: |-
    "{{ .at }}.tolerations: `" + (variables.tolerations[0].?key.orValue('') == '' ? 'operator: Exists' : variables.tolerations[0].key)
    + "` opens accelerator nodes to a pod that asks for no accelerator: name the taints you mean by their keys, or ask for an accelerator under resources.limits, e.g. `{{ $example }}: 1`"
{{- end }}

{{/*
A YAML list of rules {expression, messageExpression} as the one validation that holds if all of them do, and else says what the first broken
one says. The apiserver prepares each validation apart: of what the policy adds to a pod's creation that was a third.
A message cannot ask the authorizer, so rules that variables.byRight excuses come last: if all others hold, it was not given.
*/}}
{{- define "commonpool.cel.inOne" -}}
{{- $rules := fromYamlArray . -}}
- expression: |-
    {{- range $at, $rule := $rules }}
    {{ if $at }}&& {{ end }}({{ $rule.expression | nindent 6 | trim }})
    {{- end }}
  messageExpression: |-
    {{- range $at, $rule := $rules }}
    {{- if lt (add $at 1) (len $rules) }}
    !({{ $rule.expression | replace " || variables.byRight" "" | nindent 6 | trim }}) ?
      {{ $rule.messageExpression | nindent 6 | trim }} :
    {{- else }}
    {{ $rule.messageExpression | nindent 6 | trim }}
    {{- end }}
    {{- end }}
{{- end }}

{{/*
The variables that podRules reads; evaluated only when a rule comes to them. .spec, .labels, .oldLabels, .oldTolerations are CEL;
.fresh: is the spec new, or only labels and tolerations; .byRight: who asks is above some of the rules; .wants: instead of looking.
*/}}
{{- define "commonpool.podVariables" -}}
- name: spec
  expression: {{ .spec | quote }}
- name: fresh
  expression: {{ .fresh | quote }}
- name: byRight
  expression: {{ .byRight | quote }}
- name: wants
  expression: |-
    {{- .wants | default (include "commonpool.cel.wants" (dict "root" .root "spec" "variables.spec")) | nindent 4 }}
- name: oldTolerations
  expression: {{ .oldTolerations | quote }}
- name: tolerations
  expression: |-
    variables.spec.?tolerations.orValue([]).filter(t, {{ include "commonpool.cel.pastTaint" . }} && !(t in variables.oldTolerations))
- name: oldLabels
  expression: {{ .oldLabels | quote }}
- name: labels
  expression: {{ .labels | quote }}
- name: forged
  expression: |-
    variables.labels.filter(k, k.startsWith('commonpool.dev/') && !(k in variables.oldLabels && variables.oldLabels[k] == variables.labels[k]))
- name: deviceClasses
  expression: |-
    (variables.spec.containers + variables.spec.?initContainers.orValue([])).map(c,
      c.?resources.?limits.orValue({}).filter(r, r.startsWith('deviceclass.resource.kubernetes.io/'))
      + c.?resources.?requests.orValue({}).filter(r, r.startsWith('deviceclass.resource.kubernetes.io/'))).filter(l, l.size() > 0).map(l, l[0])
{{- /* The scheduler counts in 64 bits and wraps: 2^64 + 8 accelerators are 8 there. The bounds keep sums over a pod's containers far from that. */}}
- name: absurd
  expression: |-
    (variables.spec.containers + variables.spec.?initContainers.orValue([])).map(c,
      [c.?resources.?limits.orValue({}), c.?resources.?requests.orValue({})].map(amounts, amounts.filter(r,
        quantity(string(amounts[r])).isGreaterThan(quantity(r in ['memory', 'ephemeral-storage'] || r.startsWith('hugepages-') ? '256Ti' : '1M'))))
    ).map(l, l[0] + l[1]).filter(l, l.size() > 0).map(l, l[0])
{{- end }}
