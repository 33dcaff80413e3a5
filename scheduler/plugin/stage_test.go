package plugin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"commonpool.dev/scheduler/packing"
)

// stage is a cluster in memory: the scheduler's snapshot, and the plugin as the scheduler calls it.
type stage struct {
	framework.Framework

	t      testing.TB
	client *fake.Clientset
	scorer *scorer
	infos  []fwk.NodeInfo
	number int
	tried  int // nodes that filters were asked about
	refuse map[string]bool
}

func (s *stage) ClientSet() clientset.Interface { return s.client }
func (s *stage) SharedInformerFactory() informers.SharedInformerFactory {
	return informers.NewSharedInformerFactory(s.client, 0)
}
func (s *stage) Extenders() []fwk.Extender { return nil }

// RunPreFilterPlugins and the filters are those of the plugin, and a filter that refuses some nodes.
func (s *stage) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	result, status := s.scorer.PreFilter(ctx, state, pod, s.infos)
	if status.IsSkip() {
		status = nil
	}
	return result, status, nil
}

func (s *stage) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	s.tried++
	if s.refuse[info.Node().Name] {
		return fwk.NewStatus(fwk.Unschedulable, "another filter")
	}
	return s.scorer.Filter(ctx, state, pod, info)
}

func newStage(t testing.TB, args Args, nodes ...*v1.Node) *stage {
	t.Helper()
	s := &stage{t: t, client: fake.NewClientset()}
	for _, node := range nodes {
		info := framework.NewNodeInfo()
		info.SetNode(node)
		s.infos = append(s.infos, info)
	}
	s.restart(args)
	return s
}

// restart is a new process over the same cluster.
func (s *stage) restart(args Args) {
	s.t.Helper()
	scorer, err := newScorer(args, s)
	if err != nil {
		s.t.Fatal(err)
	}
	s.scorer = scorer
}

// expectSameAfterRestart holds what a new process knows of the cards against what the old one did.
func (s *stage) expectSameAfterRestart(args Args) {
	s.t.Helper()
	s.scorer.fleet.follow(s.infos)
	before := slices.Clone(s.scorer.fleet.cards.Nodes)
	s.restart(args)
	s.scorer.fleet.follow(s.infos)
	if !slices.Equal(before, s.scorer.fleet.cards.Nodes) {
		s.t.Errorf("before %+v, after %+v", before, s.scorer.fleet.cards.Nodes)
	}
}

func node(name string, cpu, gpus int) *v1.Node {
	list := v1.ResourceList{"cpu": *resource.NewQuantity(int64(cpu), ""), "memory": resource.MustParse("512Gi"), "pods": resource.MustParse("110")}
	if gpus > 0 {
		list["nvidia.com/gpu"] = *resource.NewQuantity(int64(gpus), "")
	}
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1.NodeStatus{Allocatable: list}}
}

func nodes(count, cpu, gpus int) (all []*v1.Node) {
	for i := range count {
		all = append(all, node(fmt.Sprintf("node-%03d", i), cpu, gpus))
	}
	return all
}

func (s *stage) pod(asks map[string]string) *v1.Pod {
	s.number++
	name := "p" + strconv.Itoa(s.number)
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name)},
		Spec:       v1.PodSpec{Containers: []v1.Container{container(asks)}},
	}
}

// place runs a scheduling cycle: the best node that the profile is narrowed to, reserved and assumed. Empty: none was found.
func (s *stage) place(pod *v1.Pod) (node string, state fwk.CycleState) {
	s.t.Helper()
	state = framework.NewCycleState()
	result, status, _ := Narrow(s).RunPreFilterPlugins(s.t.Context(), state, pod)
	if !status.IsSuccess() || result.AllNodes() {
		return "", state
	}
	for name := range result.NodeNames {
		node = name
	}
	s.assume(pod, node)
	if status := s.scorer.Reserve(s.t.Context(), state, pod, node); !status.IsSuccess() {
		s.t.Fatal(status)
	}
	return node, state
}

func (s *stage) info(name string) fwk.NodeInfo {
	for _, info := range s.infos {
		if info.Node().Name == name {
			return info
		}
	}
	s.t.Fatalf("no node %s", name)
	return nil
}

func (s *stage) assume(pod *v1.Pod, node string) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		s.t.Fatal(err)
	}
	pod.Spec.NodeName = node
	s.info(node).AddPodInfo(info)
}

func (s *stage) remove(pod *v1.Pod) {
	if err := s.info(pod.Spec.NodeName).RemovePod(klog.Background(), pod); err != nil {
		s.t.Fatal(err)
	}
}

// bind binds and lets the pod have what the binding says.
func (s *stage) bind(pod *v1.Pod, state fwk.CycleState) {
	s.t.Helper()
	if err := s.client.Tracker().Add(pod.DeepCopy()); err != nil {
		s.t.Fatal(err)
	}
	status := s.scorer.Bind(s.t.Context(), state, pod, pod.Spec.NodeName)
	if status.IsSkip() {
		return
	}
	if !status.IsSuccess() {
		s.t.Fatal(status)
	}
	actions := s.client.Actions()
	binding, ok := actions[len(actions)-1].(interface{ GetObject() runtime.Object }).GetObject().(*v1.Binding)
	if !ok {
		s.t.Fatal("no binding was written")
	}
	pod.Annotations = binding.Annotations
}

// node is the state of a node as the plugin sees it now.
func (s *stage) node(name string) packing.Node {
	s.scorer.fleet.follow(s.infos)
	return s.scorer.fleet.cards.Nodes[s.scorer.fleet.indexes[name]]
}

func scoreOnly(mix ...PodClass) Args {
	args := defaultArgs()
	args.Mode, args.WorkloadMix = ScoreOnly, mix
	return args
}

func gpus(count string) v1.PodSpec {
	return v1.PodSpec{Containers: []v1.Container{container(map[string]string{"cpu": "1", "nvidia.com/gpu": count})}}
}

func nodeWith(t *testing.T, name, gpus string) fwk.NodeInfo {
	t.Helper()
	count, err := strconv.Atoi(gpus)
	if err != nil {
		t.Fatal(err)
	}
	info := framework.NewNodeInfo()
	info.SetNode(node(name, 64, count))
	return info
}
