package plugin

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

func nodeWith(t *testing.T, name string, gpus string, running ...v1.PodSpec) fwk.NodeInfo {
	t.Helper()
	list := v1.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("512Gi"), "pods": resource.MustParse("110")}
	if gpus != "0" {
		list["nvidia.com/gpu"] = resource.MustParse(gpus)
	}
	info := framework.NewNodeInfo()
	info.SetNode(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1.NodeStatus{Allocatable: list}})
	for _, spec := range running {
		pod, err := framework.NewPodInfo(&v1.Pod{Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		info.AddPodInfo(pod)
	}
	return info
}

func gpus(count string) v1.PodSpec {
	return v1.PodSpec{Containers: []v1.Container{container(map[string]string{"cpu": "1", "nvidia.com/gpu": count})}}
}

func ranked(t *testing.T, pod v1.PodSpec, nodes ...fwk.NodeInfo) []int64 {
	t.Helper()
	s := newScorer(defaultArgs())
	state := framework.NewCycleState()
	if status := s.PreScore(t.Context(), state, &v1.Pod{Spec: pod}, nodes); !status.IsSuccess() {
		t.Fatal(status)
	}
	scores := make(fwk.NodeScoreList, len(nodes))
	for i, node := range nodes {
		score, status := s.Score(t.Context(), state, nil, node)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		scores[i].Score = score
	}
	if status := s.ScoreExtensions().NormalizeScore(t.Context(), state, nil, scores); !status.IsSuccess() {
		t.Fatal(status)
	}
	var values []int64
	for _, each := range scores {
		if each.Score < fwk.MinScore || each.Score > fwk.MaxScore {
			t.Errorf("score %d is out of range", each.Score)
		}
		values = append(values, each.Score)
	}
	return values
}

func TestAPodGoesWhereItBreaksUpTheLeast(t *testing.T) {
	scores := ranked(t, gpus("1"), nodeWith(t, "empty", "8"), nodeWith(t, "begun", "8", gpus("7")), nodeWith(t, "half", "8", gpus("4")))
	if scores[1] != fwk.MaxScore || scores[0] >= scores[1] || scores[2] >= scores[1] {
		t.Errorf("scores of an empty, an almost full and a half full node: %v", scores)
	}
}

func TestAPodWithoutAcceleratorsKeepsAwayFromThem(t *testing.T) {
	plain := v1.PodSpec{Containers: []v1.Container{container(map[string]string{"cpu": "64"})}}
	args := defaultArgs()
	args.WorkloadMix = []PodClass{{Accelerators: 8, CPUMilli: 32000, Weight: 1}}
	s := newScorer(args)
	state := framework.NewCycleState()
	s.PreScore(t.Context(), state, &v1.Pod{Spec: plain}, nil)
	onGPU, _ := s.Score(t.Context(), state, nil, nodeWith(t, "gpu", "8"))
	onCPU, _ := s.Score(t.Context(), state, nil, nodeWith(t, "cpu", "0"))
	if onCPU <= onGPU {
		t.Errorf("processors only: %d on a node without accelerators, %d on one with them", onCPU, onGPU)
	}
}

func TestAFullNodeIsTheLastChoiceAndEqualNodesAreEqual(t *testing.T) {
	if scores := ranked(t, gpus("2"), nodeWith(t, "full", "8", gpus("7")), nodeWith(t, "free", "8")); scores[0] != fwk.MinScore || scores[1] != fwk.MaxScore {
		t.Errorf("full and free: %v", scores)
	}
	if scores := ranked(t, gpus("1"), nodeWith(t, "a", "8"), nodeWith(t, "b", "8")); scores[0] != scores[1] {
		t.Errorf("equal nodes: %v", scores)
	}
}
