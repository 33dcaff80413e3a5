package plugin

import (
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/resource"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/utils/set"

	"commonpool.dev/scheduler/rounds"
)

const (
	statefulSetRankLabel = "apps.kubernetes.io/pod-index"
	templateHashLabel    = "pod-template-hash"
)

// readPod turns a pod into what the index has to know of it.
func readPod(pod *v1.Pod, uncounted set.Set[string]) rounds.Pod {
	key, rank := readKey(pod)
	return rounds.Pod{
		Ref:       rounds.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)},
		Key:       key,
		Rank:      rank,
		Request:   readRequest(pod, uncounted),
		CreatedAt: pod.CreationTimestamp.Unix(),
	}
}

// readKey traces a pod to its workload: the same rule as the operator's, in
// docs/architecture.md.
func readKey(pod *v1.Pod) (rounds.Key, int) {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner != nil {
		key := rounds.Key{Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name}
		switch owner.APIVersion + " " + owner.Kind {
		case "batch/v1 Job":
			return key, readRank(pod, batchv1.JobCompletionIndexAnnotation)
		case "apps/v1 StatefulSet":
			return key, readRank(pod, statefulSetRankLabel)
		case "apps/v1 ReplicaSet":
			hash := pod.Labels[templateHashLabel]
			if name, found := strings.CutSuffix(owner.Name, "-"+hash); found && hash != "" && name != "" {
				key.Kind, key.Name = "Deployment", name
			}
			return key, rounds.NoRank
		}
	}
	return rounds.Key{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}, rounds.NoRank
}

func readRank(pod *v1.Pod, label string) int {
	rank, err := strconv.ParseInt(pod.Labels[label], 10, 32)
	if err != nil || rank < 0 {
		return rounds.NoRank
	}
	return int(rank)
}

// readRequest is what the scheduler itself reckons with: all containers, init
// containers, pod-level resources and overhead. Every extended resource counts as
// an accelerator unless the profile says that it needs no promise.
func readRequest(pod *v1.Pod, uncounted set.Set[string]) rounds.Request {
	var request rounds.Request
	for name, quantity := range resource.PodRequests(pod, resource.PodResourcesOptions{}) {
		switch {
		case name == v1.ResourceCPU:
			request.CPUMilli = quantity.MilliValue()
		case name == v1.ResourceMemory:
			request.MemoryBytes = quantity.Value()
		case v1helper.IsExtendedResourceName(name) && !quantity.IsZero() && !uncounted.Has(string(name)):
			request.Accelerators = append(request.Accelerators, rounds.Amount{Resource: string(name), Count: quantity.Value()})
		}
	}
	// Devices by claim are in no promise: named as a resource that none contains.
	if len(pod.Spec.ResourceClaims) > 0 {
		request.Accelerators = append(request.Accelerators, rounds.Amount{Resource: "resourceClaims", Count: int64(len(pod.Spec.ResourceClaims))})
	}
	rounds.SortAccelerators(request.Accelerators)
	return request
}
