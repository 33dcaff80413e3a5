{{/*
The pool's profile: every filter that guards a stale plan, and nothing that walks all held pods on each binding (InterPodAffinity,
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
    {{- if eq .Values.scheduler.mode "Enforce" }}
    preEnqueue: {enabled: [{name: CommonPool}]}
    preFilter: {enabled: [{name: CommonPool}]}
    postFilter: {enabled: [{name: CommonPool}]}
    score: {enabled: [{name: CommonPool}]}
    postBind: {enabled: [{name: CommonPool}]}
    {{- end }}
  pluginConfig:
  - name: CommonPool
    args:
      mode: {{ .Values.scheduler.mode }}
      acceleratorResources: {{- toYaml .Values.accelerators.resourceNames | nindent 6 }}
      {{- with .Values.scheduler.uncountedResources }}
      uncountedResources: {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end }}
