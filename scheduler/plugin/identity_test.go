package plugin

import (
	"encoding/json"
	"os"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"commonpool.dev/scheduler/rounds"
)

// The operator reads the same table: a pod that the two trace to different
// workloads would wait for ever.
func TestTheSamePodsLeadToTheSameWorkloadsHereAndInTheOperator(t *testing.T) {
	raw, err := os.ReadFile("../../tests/data/identity.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Says string `json:"says"`
		Pod  struct {
			Namespace string                  `json:"namespace"`
			Name      string                  `json:"name"`
			Labels    map[string]string       `json:"labels"`
			Owners    []metav1.OwnerReference `json:"owners"`
		} `json:"pod"`
		Want struct {
			rounds.Key
			Rank int `json:"rank"`
		} `json:"want"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, each := range cases {
		t.Run(each.Says, func(t *testing.T) {
			key, rank := readKey(&v1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: each.Pod.Namespace, Name: each.Pod.Name, Labels: each.Pod.Labels, OwnerReferences: each.Pod.Owners,
			}})
			if key != each.Want.Key || rank != each.Want.Rank {
				t.Errorf("%v rank %d, want %v rank %d", key, rank, each.Want.Key, each.Want.Rank)
			}
		})
	}
}
