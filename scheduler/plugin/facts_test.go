package plugin

import (
	"reflect"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/set"

	"commonpool.dev/scheduler/rounds"
)

func ownedBy(apiVersion, kind, name string, labels map[string]string) *v1.Pod {
	controller := true
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "vision", Name: name + "-x", Labels: labels,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, Controller: &controller}},
	}}
}

func TestAPodIsTracedToItsWorkload(t *testing.T) {
	key := func(kind, name string) rounds.Key { return rounds.Key{Kind: kind, Namespace: "vision", Name: name} }
	cases := map[string]struct {
		pod  *v1.Pod
		key  rounds.Key
		rank int
	}{
		"indexed job": {ownedBy("batch/v1", "Job", "train", map[string]string{"batch.kubernetes.io/job-completion-index": "7"}), key("Job", "train"), 7},
		"plain job":   {ownedBy("batch/v1", "Job", "train", nil), key("Job", "train"), rounds.NoRank},
		"forged rank": {ownedBy("batch/v1", "Job", "train", map[string]string{"batch.kubernetes.io/job-completion-index": "-7"}), key("Job", "train"), rounds.NoRank},
		"deployment":  {ownedBy("apps/v1", "ReplicaSet", "web-7d4b", map[string]string{"pod-template-hash": "7d4b"}), key("Deployment", "web"), rounds.NoRank},
		"replica set": {ownedBy("apps/v1", "ReplicaSet", "web-7d4b", nil), key("ReplicaSet", "web-7d4b"), rounds.NoRank},
		"forged hash": {ownedBy("apps/v1", "ReplicaSet", "web-7d4b", map[string]string{"pod-template-hash": "zzzz"}), key("ReplicaSet", "web-7d4b"), rounds.NoRank},
		"stateful":    {ownedBy("apps/v1", "StatefulSet", "db", map[string]string{"apps.kubernetes.io/pod-index": "2"}), key("StatefulSet", "db"), 2},
		"other owner": {ownedBy("ray.io/v1", "RayCluster", "ray", nil), key("Pod", "ray-x"), rounds.NoRank},
		"other group": {ownedBy("example.com/v1", "Job", "train", nil), key("Pod", "train-x"), rounds.NoRank},
		"bare pod":    {&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "vision", Name: "shell"}}, key("Pod", "shell"), rounds.NoRank},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			if got, rank := readKey(each.pod); got != each.key || rank != each.rank {
				t.Errorf("%v rank %d, want %v rank %d", got, rank, each.key, each.rank)
			}
		})
	}
}

func container(requests map[string]string) v1.Container {
	list := v1.ResourceList{}
	for name, amount := range requests {
		list[v1.ResourceName(name)] = resource.MustParse(amount)
	}
	return v1.Container{Resources: v1.ResourceRequirements{Requests: list}}
}

func TestARequestIsWhatTheSchedulerReckonsWith(t *testing.T) {
	cases := map[string]struct {
		spec v1.PodSpec
		want string
	}{
		"containers add up": {
			v1.PodSpec{Containers: []v1.Container{
				container(map[string]string{"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": "2"}),
				container(map[string]string{"cpu": "1", "ephemeral-storage": "1Gi", "nvidia.com/gpu": "1"}),
			}},
			"cpu=2500m,memory=1073741824,nvidia.com/gpu=3",
		},
		"an init container may ask for more": {
			v1.PodSpec{
				InitContainers: []v1.Container{container(map[string]string{"nvidia.com/gpu": "8", "memory": "2Gi"})},
				Containers:     []v1.Container{container(map[string]string{"nvidia.com/gpu": "1"})},
			},
			"cpu=0m,memory=2147483648,nvidia.com/gpu=8",
		},
		"overhead counts": {
			v1.PodSpec{
				Overhead:   v1.ResourceList{v1.ResourceCPU: resource.MustParse("250m")},
				Containers: []v1.Container{container(map[string]string{"cpu": "1", "nvidia.com/gpu": "1"})},
			},
			"cpu=1250m,memory=0,nvidia.com/gpu=1",
		},
		"none asked is nothing": {
			v1.PodSpec{Containers: []v1.Container{container(map[string]string{"nvidia.com/gpu": "0", "amd.com/gpu": "1"})}},
			"amd.com/gpu=1,cpu=0m,memory=0",
		},
		"what needs no promise": {
			v1.PodSpec{Containers: []v1.Container{container(map[string]string{"rdma/hca": "1", "nvidia.com/gpu": "1"})}},
			"cpu=0m,memory=0,nvidia.com/gpu=1",
		},
		"huge pages are memory of the node": {
			v1.PodSpec{Containers: []v1.Container{container(map[string]string{"hugepages-2Mi": "4Mi", "nvidia.com/gpu": "1"})}},
			"cpu=0m,memory=0,nvidia.com/gpu=1",
		},
		"devices by claim are in no promise": {
			v1.PodSpec{ResourceClaims: []v1.PodResourceClaim{{Name: "gpu"}}, Containers: []v1.Container{container(nil)}},
			"cpu=0m,memory=0,resourceClaims=1",
		},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			request := readRequest(&v1.Pod{Spec: each.spec}, set.New("rdma/hca"))
			if got := request.String(); got != each.want {
				t.Errorf("%s, want %s", got, each.want)
			}
		})
	}
}

func TestABadLineOfARoundDoesNotSpoilTheOthers(t *testing.T) {
	good := Gang{Workload: "vision/train", Kind: "Job", Nodes: "gpu-1*1", Ranks: "0", Request: "cpu=1m,memory=1,nvidia.com/gpu=1"}
	bad := good
	bad.Nodes = "gpu-1"
	round, skipped := readRound(&Round{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Spec: RoundSpec{Epoch: 3, Number: 2, Part: 1, Gangs: []Gang{bad, good}}})
	if len(round.Lines) != 1 || round.Epoch != 3 || round.Number != 2 || round.Part != 1 || round.Name != "r" {
		t.Errorf("%+v", round)
	}
	if len(skipped) != 1 || skipped[0].at != 0 || skipped[0].text != "vision/train" {
		t.Errorf("%+v", skipped)
	}
}

func TestACopyOfARoundSharesNothing(t *testing.T) {
	list := &RoundList{Items: []Round{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: RoundSpec{Gangs: []Gang{{Kind: "Job"}}}}}}
	copied, ok := list.DeepCopyObject().(*RoundList)
	if !ok || !reflect.DeepEqual(copied, list) {
		t.Fatalf("%+v, want %+v", copied, list)
	}
	copied.Items[0].Spec.Gangs[0].Kind, copied.Items[0].Labels["a"] = "Pod", "c"
	if list.Items[0].Spec.Gangs[0].Kind != "Job" || list.Items[0].Labels["a"] != "b" {
		t.Error("the copy changed the original")
	}
}
