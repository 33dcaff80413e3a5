{{/*
The pool's profile in mode Enforce: every filter that guards a stale plan, and nothing that walks all held pods on each binding (InterPodAffinity,
PodTopologySpread) or evicts on its own (DefaultPreemption). CommonPool stands at multiPoint and at single points: plugins listed only at
a point come after the defaults, and our PostFilter must end the chain.
*/}}
{{- define "commonpool.schedulerConfig" -}}
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: {{ .Values.scheduler.kubeconfig | quote }}
  qps: {{ int .Values.scheduler.client.qps }}
  burst: {{ int .Values.scheduler.client.burst }}
leaderElection:
  leaderElect: {{ .Values.scheduler.leaderElect }}
  resourceLock: leases
  resourceName: commonpool-scheduler
  resourceNamespace: {{ .Release.Namespace }}
profiles:
{{- if eq .Values.scheduler.mode "ScoreOnly" }}
{{- include "commonpool.scoreOnlyProfile" . | nindent 0 }}
{{- else }}
{{- include "commonpool.enforceProfile" . | nindent 0 }}
{{- end }}
{{- end }}

{{- define "commonpool.enforceProfile" -}}
- schedulerName: commonpool
  plugins:
    multiPoint:
      disabled:
      - name: "*"
      enabled:
      - name: CommonPool
      - name: SchedulingGates
      - name: PrioritySort
      - name: NodeName
      - name: NodeUnschedulable
      - name: TaintToleration
      - name: NodeAffinity
      - name: NodePorts
      - name: NodeResourcesFit
      - name: VolumeRestrictions
      - name: NodeVolumeLimits
      - name: VolumeBinding
      - name: VolumeZone
      - name: DynamicResources
      - name: DefaultBinder
    preEnqueue: {enabled: [{name: CommonPool}]}
    preFilter: {enabled: [{name: CommonPool}]}
    postFilter: {enabled: [{name: CommonPool}]}
    postBind: {enabled: [{name: CommonPool}]}
  pluginConfig:
  - name: CommonPool
    args:
      mode: Enforce
      acceleratorResources: {{- toYaml .Values.accelerators.resourceNames | nindent 6 }}
      {{- with .Values.scheduler.uncountedResources }}
      uncountedResources: {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end }}

{{/*
Stock kube-scheduler, preemption and all filters included; but among the nodes that will do, the packing engine chooses. Scores that spread
pods or even them out are off; what pods themselves prefer still counts. CommonPool stands at bind as well, to come before the default
binder: it binds those that share a card. Nodes need not offer parts of cards, or instances: those resources are the plugin's to count.
*/}}
{{- define "commonpool.scoreOnlyProfile" -}}
- schedulerName: commonpool
  percentageOfNodesToScore: 100
  plugins:
    multiPoint: {enabled: [{name: CommonPool}]}
    bind: {enabled: [{name: CommonPool}]}
    score:
      disabled:
      - name: NodeResourcesFit
      - name: NodeResourcesBalancedAllocation
      - name: ImageLocality
  pluginConfig:
  - name: CommonPool
    args:
      mode: ScoreOnly
      acceleratorResources: {{- toYaml .Values.accelerators.resourceNames | nindent 6 }}
      {{- with .Values.scheduler.productLabels }}
      productLabels: {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- with .Values.scheduler.workloadMix }}
      workloadMix: {{- toYaml . | nindent 6 }}
      {{- end }}
  - name: NodeResourcesFit
    args: {ignoredResourceGroups: [commonpool.dev]}
  - name: PodTopologySpread
    args: {defaultingType: List, defaultConstraints: []}
  - name: InterPodAffinity
    args: {ignorePreferredTermsOfExistingPods: true}
{{- end }}
